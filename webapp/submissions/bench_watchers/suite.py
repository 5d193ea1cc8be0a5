"""`bench watchers`: one private site, one viewer, then all of them, of equally busy runs."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import psutil
import redis

from grader.bench_grade.steadiness import CannotMeasure
from sandbox.bench.goals import Goal
from sandbox.bench.machine import machine, versions
from webapp.config.paths import ROOT, valkey_socket
from webapp.submissions.bench_queue.site import BenchSite, bench_site

Say = Callable[[str], None]
VIEWERS = 1_000
RATE = 100  # lines a second
GOAL_MS = 500
_PACKAGE = "webapp.submissions.bench_watchers"
_SPARE_FILES = 200
_READS = ("xread", "xrange", "xrevrange")
_REST_S = 3.0  # the site has started, or the last viewers have gone


def run(*, quick: bool, rounds: int | None, say: Say, viewers: int = VIEWERS) -> dict[str, Any]:
    """Measure on this machine as it is; `rounds`: seconds that a run is busy. Raises SandboxError, CannotMeasure."""
    seconds = rounds or (5 if quick else 20)
    _allow_files(viewers + _SPARE_FILES)
    load_before = os.getloadavg()[0]
    say("starting a private site")
    with bench_site() as site:
        say(f"signing in {viewers} viewers")
        stage = site.ask(f"{_PACKAGE}.stage", str(viewers))
        with site.joined():
            meter = Meter(site)
        cases = []
        for key, count in zip(stage["runs"], (1, viewers), strict=True):
            time.sleep(_REST_S)
            say(f"{count} watching {RATE} lines a second for {seconds} s")
            cases.append(_case(site, meter, key, stage["sessions"][:count], seconds))
    document: dict[str, Any] = {
        "schema": 1,
        "bench": "watchers",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": {**machine(), "accounting": "nothing: no box is started"},
        "load_average_1m": {"before": round(load_before, 2), "after": round(os.getloadavg()[0], 2)},
        "versions": versions(),
        "lines_per_s": RATE,
        "seconds": seconds,
        "cases": cases,
    }
    return {**document, "goals": [goal.as_json() for goal in goals(cases)]}


def goals(cases: Sequence[dict[str, Any]]) -> list[Goal]:
    one, many = cases
    name = f"of {many['viewers']} viewers"
    lost = many["lines"] * many["viewers"] - many["lines_received"] + many["odd"]
    reads = many["stream_reads"] / max(1, one["stream_reads"])
    return [
        Goal(name=f"write to receipt, p99 {name}", unit="ms", at_most=GOAL_MS, value=many["delay_ms"]["p99"]),
        Goal(name=f"lines lost or doubled {name}", unit="lines", at_most=0, value=float(lost)),
        Goal(name=f"reads of the stream {name} beside one viewer's", unit="times", at_most=1.5, value=reads),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    memory_mib: float
    cpu_s: float
    reads: int


class Meter:
    """What the site's web process and its Valkey have used. Made as a process of the site. Raises CannotMeasure."""

    def __init__(self, site: BenchSite) -> None:
        self._web = web_process(site.port)
        self._redis = redis.Redis(unix_socket_path=str(valkey_socket()))

    def read(self) -> Reading:
        stats: Any = self._redis.info("commandstats")
        cpu = self._web.cpu_times()
        return Reading(
            memory_mib=self._web.memory_full_info().uss / 1024**2,
            cpu_s=cpu.user + cpu.system,
            reads=sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in _READS),
        )


def web_process(port: int) -> psutil.Process:
    for process in psutil.process_iter(["cmdline"]):
        argv = process.info["cmdline"] or []
        if "webapp.config.asgi:application" in argv and str(port) in argv:
            return process
    raise CannotMeasure(f"no web process serves port {port}")


def _case(site: BenchSite, meter: Meter, key: str, sessions: Sequence[str], seconds: int) -> dict[str, Any]:
    idle = meter.read()
    with _viewers(site, key, sessions) as seen_by:
        connected = meter.read()
        written = site.ask(f"{_PACKAGE}.writer", key, str(RATE), str(seconds))
        busy = meter.read()
        seen = json.loads(seen_by.read() or "{}")
    if seen.get("ended") != len(sessions):
        raise CannotMeasure(f"{seen.get('ended', 0)} of {len(sessions)} viewers saw the end of the run")
    return {
        **seen,
        **written,
        "memory_kib_per_viewer": round(1024 * (connected.memory_mib - idle.memory_mib) / len(sessions), 1),
        "memory_mib": {name: round(at.memory_mib, 1) for name, at in
                       (("idle", idle), ("connected", connected), ("busy", busy))},
        "web_cpu_share": round((busy.cpu_s - connected.cpu_s) / seconds, 3),
        "stream_reads": busy.reads - connected.reads,
    }  # fmt: skip


@contextlib.contextmanager
def _viewers(site: BenchSite, key: str, sessions: Sequence[str]) -> Iterator[IO[str]]:
    """All are connected; gives what they print at the end. None is left. Raises CannotMeasure."""
    command = [sys.executable, "-m", f"{_PACKAGE}.viewers", str(site.port), key]
    with subprocess.Popen(
        command, cwd=ROOT, env=site.environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(list(sessions)))
            process.stdin.close()
            if process.stdout.readline().strip() != "ready":
                raise CannotMeasure("the viewers could not connect; their error is above")
            yield process.stdout
        finally:
            process.kill()


def _allow_files(wanted: int) -> None:
    """A socket is a file; the site's processes inherit the limit. Raises CannotMeasure."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise CannotMeasure(f"a process may open {hard} files here, {wanted} are needed: raise `ulimit -Hn`")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
