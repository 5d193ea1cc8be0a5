"""The second run. A distinction, a leaderboard entry or a certificate rests on two passes, on two secret seeds.

A pass on one seed can be luck, or a program that fits what one seed drew. The second run draws everything anew and has
cold boxes. It takes nothing away: the verdict stays the first run's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping

from grader.errors import SubmissionError
from grader.events import Event, LogEvent
from grader.grading import grade
from grader.report import MetricResult, Report
from lessons.loader import Exercise
from lessons.schema import Verdict

_UNDECIDED: frozenset[Verdict] = frozenset({"cancelled", "infra_error", "under_review"})
_MAX_DIFFERENCES = 50
_MAX_LENGTH = 400


def grade_certified(
    exercise: Exercise,
    files: Mapping[str, bytes],
    *,
    tier: str,
    backend: str = "bubblewrap",
    seed: int | None = None,
    on_event: Callable[[Event], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Report:
    """Grade twice and return the second Report, with `confirmed`; `seed` is the first run's, the second is drawn.

    Where the first run does not pass there is no second: its own Report comes back, not confirmed.
    Raises as `grade` does, and SubmissionError for the smoke tier.
    """
    if tier == "smoke":
        raise SubmissionError("tier 'smoke' certifies nothing: choose another")
    first = grade(
        exercise, files, tier=tier, backend=backend, seed=seed, certified=True, on_event=on_event, cancelled=cancelled
    )
    if first.verdict != "passed":
        return first.model_copy(update={"confirmed": None if first.verdict in _UNDECIDED else False})
    if on_event is not None:
        on_event(LogEvent(stream="system", text="Passed. A second run on new data confirms it."))
    second = grade(
        exercise,
        files,
        tier=tier,
        backend=backend,
        seed=secrets.randbits(63),
        certified=True,
        on_event=on_event,
        cancelled=cancelled,
    )
    return confirm_report(first, second)


def confirm_report(first: Report, second: Report) -> Report:
    """The second Report, with what the two say together: distinguished only if both were.

    Raises ValueError for Reports that confirm nothing: of two exercises or tiers, or with one seed, or no first pass.
    """
    if (first.exercise, first.tier) != (second.exercise, second.tier):
        raise ValueError(f"{second.exercise} at {second.tier} says nothing of {first.exercise} at {first.tier}")
    if first.seed == second.seed:
        raise ValueError("both runs had the same seed: the second repeats the first, and confirms nothing")
    if first.verdict != "passed":
        raise ValueError(f"a run that ended {first.verdict} has nothing to confirm")
    confirmed = None if second.verdict in _UNDECIDED else second.verdict == "passed"
    return second.model_copy(
        update={
            "confirmed": confirmed,
            "distinction": bool(confirmed) and first.distinction and second.distinction,
            "differences": [] if confirmed is None else list(_differences(first, second))[:_MAX_DIFFERENCES],
        }
    )


def _differences(first: Report, second: Report) -> Iterator[str]:
    """Where the second run fell behind the first, the weightiest first."""
    if second.verdict != "passed":
        yield f"The first run passed; the second one ended {second.verdict.replace('_', ' ')}."
    held = {check.name for check in first.checks if check.passed}
    for check in second.checks:
        if check.name in held and not check.passed:
            yield f"Check {check.name} held in the first run, not in the second."
    before = {metric.name: metric for metric in first.metrics}
    for metric in second.metrics:
        if metric.name in before and before[metric.name].passed and metric.passed is False:
            yield _missed(before[metric.name], metric)[:_MAX_LENGTH]
    if first.distinction and second.verdict == "passed" and not second.distinction:
        yield "The first run reached the distinction, the second one did not."


def _missed(first: MetricResult, second: MetricResult) -> str:
    bound = "at most" if second.direction == "lower" else "at least"
    values = f"{first.value:.6g} in the first run and {second.value:.6g} in the second"
    return f"Metric {second.name} was {values}; it must be {bound} {second.threshold:.6g} {second.unit}".rstrip() + "."
