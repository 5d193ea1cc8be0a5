"""One submission graded again and again: the spread of each metric, and verdicts that were not the expected one."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from grader.grading import grade
from grader.report import Report
from lessons.loader import Exercise
from lessons.schema import Tier, Verdict
from sandbox.errors import SandboxError

Condition = Literal["quiet", "busy"]
MOST_TRIES = 4  # of one run, when the machine was too unsteady to be measured on


class CannotMeasure(SandboxError):  # noqa: N818  as SandboxUnavailable
    """Something of ours failed; the log says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """`expected`: its verdict, whatever the machine does."""

    exercise: Exercise
    name: str
    files: Mapping[str, bytes]
    expected: Verdict


@dataclass(slots=True, kw_only=True)
class Series:
    """Runs of one submission under one condition. `made_again`: runs given up as unsteady, which count for nobody."""

    submission: Submission
    tier: Tier
    condition: Condition
    reports: list[Report] = field(default_factory=list)
    made_again: int = 0

    @property
    def flips(self) -> int:
        return sum(report.verdict != self.submission.expected for report in self.reports)

    def values(self) -> dict[str, list[float]]:
        """Of each metric, one value a run that has it."""
        found: dict[str, list[float]] = {}
        for report in self.reports:
            for metric in report.metrics:
                found.setdefault(metric.name, []).append(metric.value)
        return found

    def cv(self, metric: str) -> float | None:
        return variation(self.values().get(metric, []))

    def as_json(self) -> dict[str, Any]:
        metrics = {}
        for name, values in self.values().items():
            cv = variation(values)
            metrics[name] = {
                "mean": round(statistics.fmean(values), 5),
                "min": round(min(values), 5),
                "max": round(max(values), 5),
                "cv_percent": None if cv is None else round(100 * cv, 2),
                "values": [round(value, 5) for value in values],
            }
        return {
            "exercise": self.submission.exercise.key,
            "submission": self.submission.name,
            "tier": self.tier,
            "condition": self.condition,
            "expected": self.submission.expected,
            "runs": len(self.reports),
            "verdicts": dict(Counter(report.verdict for report in self.reports)),
            "flips": self.flips,
            "made_again": self.made_again,
            "metrics": metrics,
        }


def submissions(exercise: Exercise) -> list[Submission]:
    """The solution, and the first wrong one that any tier catches."""
    own = Submission(exercise=exercise, name="solution", files=_bytes(exercise.solution), expected="passed")
    wrong = [
        Submission(exercise=exercise, name=one.name, files=_bytes(one.files), expected=one.expect.verdict)
        for one in exercise.samples[:1]
    ]
    return [own, *wrong]


def grade_steadily(submission: Submission, tier: Tier, seed: int | None = None) -> tuple[Report, int]:
    """One run, made again while the machine is too unsteady, as a worker does; and how often that was.

    Raises CannotMeasure when it never comes to a verdict.
    """
    for again in range(MOST_TRIES):
        report = grade(submission.exercise, submission.files, tier=tier, seed=seed)
        if report.verdict != "infra_error":
            return report, again
    raise CannotMeasure(f"{submission.exercise.key}: no verdict in {MOST_TRIES} tries; the log says why")


def measure(submission: Submission, tier: Tier, condition: Condition, runs: int, say: Callable[[str], None]) -> Series:
    """Grade it `runs` times, each with a seed of its own. Raises CannotMeasure, SandboxUnavailable."""
    series = Series(submission=submission, tier=tier, condition=condition)
    for number in range(1, runs + 1):
        say(f"{submission.exercise.key}, {submission.name}, {condition}: run {number} of {runs}")
        report, again = grade_steadily(submission, tier)
        series.reports.append(report)
        series.made_again += again
    return series


def variation(values: Sequence[float]) -> float | None:
    """Standard deviation over the mean; None for fewer than two values, or a mean of 0."""
    if len(values) < 2 or not (mean := statistics.fmean(values)):
        return None
    return statistics.stdev(values) / abs(mean)


def _bytes(files: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}
