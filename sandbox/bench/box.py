"""`bench box`: start, throughput and memory of boxes beside plain processes and other sandboxes, in one run."""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.bench import contenders, suite
from sandbox.bench.contenders import Contender, Missing
from sandbox.bench.engine import DockerHere, open_docker
from sandbox.bench.goals import TORCH_DOCKER_GROUP, TORCH_GROUP, TRANSFORMERS_GROUP, goals
from sandbox.bench.machine import machine, versions
from sandbox.bench.results import Held, Measured
from sandbox.bench.suite import Effort, Say
from sandbox.bench.throughput import measure_rates, worker_counts
from sandbox.bench.timing import BenchError
from sandbox.bench.warmth import TORCH, TRANSFORMERS, Stack, WarmStarter
from sandbox.boxd.client import BoxdBackend
from sandbox.boxd.private import private_boxd
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.interpreter import lab_dir
from sandbox.runner import default_mounts
from sandbox.spec import Mount


def run(*, quick: bool, rounds: int | None, say: Say) -> dict[str, Any]:
    """Measure everything that this machine has; `say` gets a line of progress now and then.

    Raises SandboxUnavailable, BenchError.
    """
    effort = Effort.chosen(quick=quick, rounds=rounds)
    load_before = os.getloadavg()[0]
    with contextlib.ExitStack() as opened:
        bench = _open(opened, effort, say)
        bench.measure()
        engine = {} if isinstance(bench.docker, Missing) else {"docker": bench.docker.version}
        return {
            "schema": 1,
            "bench": "box",
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "quick": quick,
            "machine": {**machine(), "accounting": bench.backend.keeper.source},
            "load_average_1m": {"before": round(load_before, 2), "after": round(os.getloadavg()[0], 2)},
            "versions": versions() | engine,
            "contenders": {one.name: one.how for one in bench.contenders() if isinstance(one, Contender)},
            **bench.measured.as_json(),
            "goals": [goal.as_json() for goal in goals(bench.measured)],
        }


def _open(opened: contextlib.ExitStack, effort: Effort, say: Say) -> _Bench:
    """Backends in this process and a boxd beside it; `opened` closes them."""
    backend = BubblewrapBackend.open()
    opened.callback(backend.close)
    docker = open_docker()
    if isinstance(docker, DockerHere):
        opened.callback(docker.close)
    boxd = BoxdBackend(opened.enter_context(private_boxd()))
    return _Bench(backend=backend, boxd=boxd, docker=docker, mounts=default_mounts(), effort=effort, say=say)


@dataclass(kw_only=True)
class _Bench:
    """One run of all measurements. Nothing is timed while a template starts."""

    backend: BubblewrapBackend
    boxd: BoxdBackend
    docker: DockerHere | Missing
    mounts: tuple[Mount, ...]
    effort: Effort
    say: Say
    measured: Measured = field(default_factory=Measured)
    rng: random.Random = field(default_factory=random.Random)

    def measure(self) -> None:
        """Fill `measured`. Raises BenchError."""
        python = str(lab_dir() / "bin" / "python") if self._has_lab() else sys.executable
        self.measured.groups += suite.time_exits(python, self.contenders(), self.effort.exit_rounds, self.rng, self.say)
        warm = None
        if self._has_lab():
            warm = self._first_lines(TORCH_GROUP, TORCH, self.effort.torch_rounds, python)
            self._first_lines_in_docker(python)
        self._rates(warm)
        if self._has_lab():
            self._first_lines(TRANSFORMERS_GROUP, TRANSFORMERS, self.effort.transformers_rounds, python)
        else:
            self.measured.missing.append(Missing(name="imports", why=f"{lab_dir()} is missing: run `make up`"))

    def contenders(self) -> list[Contender | Missing]:
        """Everybody who can start a program here, and who cannot and why."""
        here, there = "ours, from this process, which makes {} ahead", "ours, asked of a boxd"
        entrants = [
            contenders.bare(),
            contenders.box(contenders.OURS, self.backend, self.mounts, here.format("processes")),
            contenders.box(contenders.THROUGH_BOXD, self.boxd, self.mounts, there),
            contenders.nsjail(self.mounts),
        ]
        if isinstance(self.docker, Missing):
            return [*entrants, self.docker, Missing(name=contenders.DOCKER_RUN, why=self.docker.why)]
        return [
            *entrants,
            contenders.box(contenders.OUR_DOCKER, self.docker.backend, self.mounts, here.format("containers")),
            contenders.docker_run(self.docker.image, self.mounts, self.docker.client_env),
        ]

    def _first_lines(self, group: str, stack: Stack, rounds: int, python: str) -> WarmStarter | None:
        """Time one stack and weigh its template and boxes; the starter if its warm boxes can be had."""
        starter = WarmStarter(backend=self.backend, python=python, mounts=self.mounts, stack=stack)
        self._weigh(
            f"idle template of {stack.warm}", lambda: suite.ready_template(starter, self.effort.ready_s, self.say)
        )
        self.measured.groups.append(suite.time_first_lines(group, starter, rounds, self.rng, self.say))
        self._weigh(f"cold box with {stack.warm}", lambda: suite.memory_of_box(starter, "none"))
        if not starter.ready:
            return None
        self._weigh(f"warm box with {stack.warm}", lambda: suite.memory_of_box(starter, stack.warm))
        return starter

    def _first_lines_in_docker(self, python: str) -> None:
        if isinstance(self.docker, Missing):
            self.measured.missing.append(Missing(name=TORCH_DOCKER_GROUP, why=self.docker.why))
            return
        starter = WarmStarter(backend=self.docker.backend, python=python, mounts=self.mounts, stack=TORCH)
        self.say("waiting for a warm container of torch")
        starter.await_ready(self.effort.ready_s)
        rounds = self.effort.torch_rounds
        self.measured.groups.append(suite.time_first_lines(TORCH_DOCKER_GROUP, starter, rounds, self.rng, self.say))

    def _weigh(self, name: str, weigh: Callable[[], Held | None]) -> None:
        """Whose memory may not be read is named as missing; everything else is measured all the same."""
        try:
            held = weigh()
        except BenchError as error:
            self.measured.missing.append(Missing(name=f"memory: {name}", why=str(error)))
            return
        if held is not None:
            self.measured.held.append(held)

    def _rates(self, warm: WarmStarter | None) -> None:
        self.measured.rates += measure_rates(
            suite.kinds_of_boxes(self.contenders(), warm),
            worker_counts(len(os.sched_getaffinity(0))),
            seconds=self.effort.rate_s,
            readings=self.effort.rate_readings,
            rng=self.rng,
            on_reading=lambda number: self.say(f"boxes a minute: reading {number} of {self.effort.rate_readings}"),
        )

    def _has_lab(self) -> bool:
        return (lab_dir() / "pyvenv.cfg").exists()
