"""`bench grade`: steadiness, overhead and the load generator's own cost, in one run."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from grader.bench_grade import overhead
from grader.bench_grade.goals import goals
from grader.bench_grade.neighbour import busy_neighbour
from grader.bench_grade.steadiness import CannotMeasure, Condition, Series, measure, submissions
from grader.errors import InfraError
from grader.judge_start import READY
from lessons.loader import Exercise, load_course
from lessons.schema import Tier
from sandbox import BoxSpec, open_backend
from sandbox.bench.machine import machine, versions
from sandbox.boxd.private import boxd_at_hand

OURS = Path(__file__).resolve().parent / "lessons"
RUNS, QUICK_RUNS = 20, 5
LOADS = 2
REAL = ("09_ab_testing", "peek_safely")

Say = Callable[[str], None]


def run(*, quick: bool, rounds: int | None, say: Say) -> dict[str, Any]:
    """Measure on this machine as it is; `rounds`: runs of each series. Raises SandboxUnavailable, CannotMeasure."""
    runs = rounds or (QUICK_RUNS if quick else RUNS)
    tier: Tier = "smoke" if quick else "cpu"
    load_before = os.getloadavg()[0]
    try:
        with boxd_at_hand():
            accounting = _accounting()
            costs = _costs(runs, say)
            with READY.kept():
                series, loads = _all_series(tier, runs, say)
    except InfraError as error:
        raise CannotMeasure(str(error)) from error
    found = [one.as_json() for one in series]
    loaded = [one.as_json() for one in loads]
    return {
        "schema": 1,
        "bench": "grade",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "runs": runs,
        "machine": {**machine(), "accounting": accounting},
        "load_average_1m": {"before": round(load_before, 2), "after": round(os.getloadavg()[0], 2)},
        "versions": versions(),
        "steadiness": found,
        "overhead": costs,
        "load_generator": loaded,
        "goals": [goal.as_json() for goal in goals(found, costs, loaded)],
    }


def _all_series(tier: Tier, runs: int, say: Say) -> tuple[list[Series], list[Series]]:
    """Of each submission first the quiet runs, then those beside a neighbour; and the loads likewise."""
    chosen = [*submissions(_ours("twice_as_fast")), *submissions(_real())]
    (server, *_) = submissions(_ours("plain_server"))
    series: list[Series] = []
    loads: list[Series] = []
    conditions: tuple[Condition, ...] = ("quiet", "busy")
    for condition in conditions:
        with _neighbour(condition):
            series += [measure(one, tier, condition, runs, say) for one in chosen]
            loads.append(measure(server, tier, condition, LOADS, say))
    return series, loads


def _costs(runs: int, say: Say) -> dict[str, Any]:
    (nothing, *_) = submissions(_ours("nothing"))
    say("waiting for a warm box")
    overhead.await_warm(nothing)
    costs = {"new_judge": overhead.with_new_judge(nothing, runs, say).as_json()}
    say("starts of a judge's process")
    costs["judge_start"] = overhead.judge_starts(runs)
    with READY.kept():
        costs["ready_judge"] = overhead.with_ready_judge(nothing, runs, say).as_json()
    return costs


def _accounting() -> str:
    """Where the figures of boxes come from on this machine."""
    process = open_backend().prepare(BoxSpec()).start(["/usr/bin/true"])
    try:
        return process.wait().usage.source
    finally:
        process.close()


@contextlib.contextmanager
def _neighbour(condition: Condition) -> Iterator[None]:
    if condition == "quiet":
        yield
        return
    with busy_neighbour():
        yield


def _ours(slug: str) -> Exercise:
    found = load_course([OURS]).exercise("90_steadiness", slug)
    assert found is not None
    return found


def _real() -> Exercise:
    """Raises CannotMeasure where the course has it no more."""
    found = load_course().exercise(*REAL)
    if found is None:
        raise CannotMeasure(f"there is no exercise {'/'.join(REAL)}")
    return found
