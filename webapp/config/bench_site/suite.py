"""`bench site`: one private site with a full database, its pages and the bare view in turns."""

from __future__ import annotations

import datetime
import json
import os
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from grader.bench_grade.overhead import percentile
from grader.bench_grade.steadiness import CannotMeasure
from sandbox.bench.goals import Goal
from sandbox.bench.machine import machine, versions
from webapp.config.bench_site.pages import BARE, PAGES
from webapp.submissions.bench_queue.site import BenchSite, bench_site
from webapp.submissions.bench_watchers.suite import web_process

Say = Callable[[str], None]
PEOPLE = 50
GOAL_SHARE = 1 / 3
GOAL_MS = 100
_PACKAGE = "webapp.config.bench_site"
_SETTINGS = f"{_PACKAGE}.settings"
_WARM_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """`rounds` of every page in turn, each asked for so many seconds."""

    learners: int
    submissions: int
    rounds: int
    seconds: float

    @classmethod
    def chosen(cls, *, quick: bool, rounds: int | None) -> Effort:
        if quick:
            return cls(learners=100, submissions=5_000, rounds=rounds or 3, seconds=1.0)
        return cls(learners=1_000, submissions=100_000, rounds=rounds or 9, seconds=3.0)


def run(*, quick: bool, rounds: int | None, say: Say) -> dict[str, Any]:
    """Measure on this machine as it is. Raises SandboxUnavailable, CannotMeasure."""
    effort = Effort.chosen(quick=quick, rounds=rounds)
    load_before = os.getloadavg()[0]
    say("starting a private site")
    with bench_site(_SETTINGS) as site:
        found = _measure(site, effort, say)
    document: dict[str, Any] = {
        "schema": 1,
        "bench": "site",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": {**machine(), "accounting": "none"},
        "load_average_1m": {"before": round(load_before, 2), "after": round(os.getloadavg()[0], 2)},
        "versions": versions(),
        **found,
    }
    return {**document, "goals": [goal.as_json() for goal in goals(document["pages"])]}


def _measure(site: BenchSite, effort: Effort, say: Say) -> dict[str, Any]:
    say(f"writing {effort.learners} learners and {effort.submissions} submissions")
    rows = site.ask(f"{_PACKAGE}.fill", str(effort.learners), str(effort.submissions))
    sessions = site.ask("webapp.submissions.bench_queue.people", str(PEOPLE))
    queries = site.ask(f"{_PACKAGE}.queries", sessions[0])
    for name in PAGES:
        _ask_for(site, name, sessions, _WARM_S)
    samples: dict[str, list[dict[str, Any]]] = {name: [] for name in PAGES}
    for number in range(effort.rounds):
        say(f"round {number + 1} of {effort.rounds}")
        for name in random.SystemRandom().sample(list(PAGES), len(PAGES)):
            samples[name].append(_ask_for(site, name, sessions, effort.seconds))
    return {
        "rows": rows,
        "people": PEOPLE,
        "rounds": effort.rounds,
        "seconds": effort.seconds,
        "generator_share": max(one["generator_share"] for taken in samples.values() for one in taken),
        "pages": pages(samples, queries),
    }


def _ask_for(site: BenchSite, name: str, sessions: Sequence[str], seconds: float) -> dict[str, Any]:
    """What the load generator found, and `cpu_ms`: what one request cost the web process.

    Nobody is signed in at the bare view: it shall not even look for a session.
    """
    keys = [""] * len(sessions) if name == BARE else sessions
    order = {"port": site.port, "path": PAGES[name], "sessions": keys, "seconds": seconds}
    web = web_process(site.port)
    before = web.cpu_times()
    found: dict[str, Any] = site.ask(f"{_PACKAGE}.load", given=json.dumps(order))
    after = web.cpu_times()
    if found["failures"]:
        raise CannotMeasure(f"{found['failures']} requests for {name} had no good answer")
    used = after.user + after.system - before.user - before.system
    return {**found, "cpu_ms": 1000 * used / len(found["latencies_ms"])}


def pages(samples: Mapping[str, Sequence[Mapping[str, Any]]], queries: Mapping[str, int]) -> list[dict[str, Any]]:
    """Rates are medians over the rounds; a share is that of the bare view's rate in the same round.

    `cpu_ms` is what a request cost the web process, `times_bare_cpu` beside the bare view's: other work on the machine
    hardly moves these two.
    """
    bare = [one["rate"] for one in samples[BARE]]
    bare_cpu = median(one["cpu_ms"] for one in samples[BARE])
    return [
        {
            "name": name,
            "path": PAGES[name],
            "rate": round(median(one["rate"] for one in taken), 1),
            "share_of_bare": round(median(one["rate"] / base for one, base in zip(taken, bare, strict=True)), 3),
            **_latency(latency for one in taken for latency in one["latencies_ms"]),
            "cpu_ms": round(median(one["cpu_ms"] for one in taken), 2),
            "times_bare_cpu": round(median(one["cpu_ms"] for one in taken) / bare_cpu, 2),
            "queries": queries[name],
            "rates": [one["rate"] for one in taken],
        }
        for name, taken in samples.items()
    ]


def _latency(milliseconds: Iterable[float]) -> dict[str, float]:
    taken = list(milliseconds)
    return {"p50_ms": round(percentile(taken, 0.5), 1), "p99_ms": round(percentile(taken, 0.99), 1)}


def goals(pages: Sequence[Mapping[str, Any]]) -> list[Goal]:
    return [
        goal
        for page in pages
        if page["name"] != BARE
        for goal in (
            Goal(
                name=f"{page['name']}: requests a second beside the bare view's", unit="times", at_least=GOAL_SHARE,
                value=page["share_of_bare"],
            ),
            Goal(name=f"{page['name']}: p99 of {PEOPLE} people at once", unit="ms", at_most=GOAL_MS,
                 value=page["p99_ms"]),
        )
    ]  # fmt: skip
