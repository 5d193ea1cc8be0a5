"""What a run costs whose program does nothing, and where that goes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.bench_grade.steadiness import CannotMeasure, Submission
from grader.grading import grade
from grader.judge_start import READY, JudgeProcess, Setting
from grader.report import Report

_READY_S = 60.0
_WARM_S = 60.0
_REST_S = 0.3  # a fresh process still settles when it has said that it is ready
_WARM_LOAD_MS = 150.0  # a cold start of the science stack's template is many times that
# In their order: each begins where the one before it ends.
PHASES = ("to_the_judge", "box_and_load", "call", "finish")


@dataclass(slots=True, kw_only=True)
class Overhead:
    """Milliseconds of each run, whole and by phase. `judge_start`: until a new process has done its imports."""

    whole: list[float] = field(default_factory=list)
    phases: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PHASES})

    def add(self, began: float, report: Report, ended: float) -> None:
        """Clock readings in seconds around the run. Raises CannotMeasure unless it passed."""
        if report.verdict != "passed":
            raise CannotMeasure(f"a program that does nothing ended as {report.verdict}: {report.message}")
        values = {metric.name: metric.value for metric in report.metrics}
        self.whole.append(1000 * (ended - began))
        parts = (
            1000 * (values["began_s"] - began),
            values["load_ms"],
            values["call_ms"],
            1000 * (ended - values["answered_s"]),
        )
        for name, part in zip(PHASES, parts, strict=True):
            self.phases[name].append(part)

    def as_json(self) -> dict[str, Any]:
        return {
            "runs": len(self.whole),
            "whole": _figures(self.whole),
            **{name: _figures(values) for name, values in self.phases.items()},
        }


def await_warm(nothing: Submission) -> None:
    """Grade until a box comes warm from its template. Raises CannotMeasure if none does within a minute."""
    deadline = time.monotonic() + _WARM_S
    loads = Overhead()
    while time.monotonic() < deadline:
        loads.add(*_timed(nothing))
        if loads.phases["box_and_load"][-1] < _WARM_LOAD_MS:
            return
        time.sleep(1.0)
    fastest = min(loads.phases["box_and_load"])
    raise CannotMeasure(f"no box started warm within {_WARM_S:g} s; the fastest was loaded after {fastest:.0f} ms")


def with_ready_judge(nothing: Submission, runs: int, say: Callable[[str], None]) -> Overhead:
    """As learners' runs come to a worker: each finds a judge that waits. To be called while READY is kept."""
    found = Overhead()
    for number in range(1, runs + 1):
        say(f"overhead with a ready judge: run {number} of {runs}")
        if not READY.await_ready(_READY_S):
            raise CannotMeasure(f"no judge was ready within {_READY_S:g} s")
        time.sleep(_REST_S)
        found.add(*_timed(nothing))
    return found


def with_new_judge(nothing: Submission, runs: int, say: Callable[[str], None]) -> Overhead:
    """As the first run of a command: the judge starts with it. To be called while READY is not kept."""
    found = Overhead()
    for number in range(1, runs + 1):
        say(f"overhead with a new judge: run {number} of {runs}")
        found.add(*_timed(nothing))
    return found


def judge_starts(runs: int) -> dict[str, Any]:
    """Milliseconds from starting a judge's process until it has done the imports that every run needs."""
    taken = []
    for _ in range(runs):
        began = time.monotonic()
        process = JudgeProcess(Setting.now())
        try:
            if not process.await_ready(_READY_S):
                raise CannotMeasure(f"a judge was not ready within {_READY_S:g} s")
            taken.append(1000 * (time.monotonic() - began))
        finally:
            process.discard()
    return _figures(taken)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def _timed(nothing: Submission) -> tuple[float, Report, float]:
    began = time.monotonic()
    report = grade(nothing.exercise, nothing.files, tier="smoke")
    return began, report, time.monotonic()


def _figures(values: Sequence[float]) -> dict[str, Any]:
    return {
        "p50_ms": round(statistics.median(values), 1),
        "p95_ms": round(percentile(values, 0.95), 1),
        "min_ms": round(min(values), 1),
        "samples_ms": [round(value, 1) for value in values],
    }
