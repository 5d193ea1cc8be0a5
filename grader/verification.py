"""`lessons verify`: an exercise's solution passes, its starter fails, each wrong submission is caught as declared."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.cells import run_cell
from grader.events import Event
from grader.grading import grade
from grader.report import Report
from lessons.loader import Exercise, Lesson
from lessons.schema import Expectation, Tier

Grade = Callable[[Exercise, Mapping[str, bytes], Tier], Report]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One graded submission. `surprise` is empty when it ended as it must."""

    exercise: str
    submission: str
    tier: Tier
    verdict: str
    score: float
    metrics: str
    seconds: float
    surprise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRow:
    """One executed cell (with the cells of its session before it)."""

    lesson: str
    cell: int
    line: int
    seconds: float
    problem: str


def verify_exercise(
    exercise: Exercise, tiers: Sequence[Tier], *, elsewhere: bool = False, run: Grade | None = None
) -> Iterator[Row]:
    """Grade solution and starter at each of these tiers, and the wrong submissions, each at the tier that it declares.

    `elsewhere`: also the wrong submissions that declare another tier than these.
    """
    run = run or _grade
    starter = {name: exercise.starter[name] for name in exercise.manifest.files.editable}
    for tier in tiers:
        yield _row(run, exercise, "solution", exercise.solution, tier, solution_surprise)
        yield _row(run, exercise, "starter", starter, tier, starter_surprise)
    for sample in exercise.samples:
        expect = sample.expect
        if elsewhere or expect.tier in tiers:
            yield _row(run, exercise, f"wrong/{sample.name}", sample.files, expect.tier, _expected(expect))


def verify_cells(lesson: Lesson) -> Iterator[CellRow]:
    """Run every cell: each one without a session, and each session once, to its last cell."""
    last = {cell.session: cell.index for cell in lesson.cells if cell.session}
    for cell in lesson.cells:
        if cell.session and last[cell.session] != cell.index:
            continue
        before = [c.code for c in lesson.cells[: cell.index] if cell.session and c.session == cell.session]
        started = time.monotonic()
        result = run_cell([*before, cell.code], on_event=_ignore)
        problem = "" if result.verdict == "passed" else f"{result.verdict}: {result.message}"
        yield CellRow(
            lesson=lesson.slug,
            cell=cell.index,
            line=cell.line,
            seconds=time.monotonic() - started,
            problem=problem,
        )


def solution_surprise(report: Report) -> str:
    return "" if report.verdict == "passed" else f"the solution must pass{_detail(report)}"


def starter_surprise(report: Report) -> str:
    return "" if report.verdict == "failed" else f"the starter must run and fail{_detail(report)}"


def wrong_surprise(expect: Expectation, report: Report) -> str:
    """Both the verdict and what caught it must be as declared."""
    if report.verdict != expect.verdict:
        return f"declared {expect.verdict}{_detail(report)}"
    failed = {check.name for check in report.checks if not check.passed}
    failed |= {metric.name for metric in report.metrics if metric.passed is False}
    if expect.caught_by not in failed | {report.verdict}:
        return f"declared caught by {expect.caught_by}, but it was {', '.join(sorted(failed)) or 'nothing'}"
    return ""


def _expected(expect: Expectation) -> Callable[[Report], str]:
    return lambda report: wrong_surprise(expect, report)


def _row(
    run: Grade,
    exercise: Exercise,
    name: str,
    files: Mapping[str, str],
    tier: Tier,
    surprise: Callable[[Report], str],
) -> Row:
    started = time.monotonic()
    report = run(exercise, {file: text.encode() for file, text in files.items()}, tier)
    return Row(
        exercise=exercise.key,
        submission=name,
        tier=tier,
        verdict=report.verdict,
        score=report.score,
        metrics=" ".join(f"{metric.name}={metric.value:.4g}" for metric in report.metrics),
        seconds=time.monotonic() - started,
        surprise=surprise(report),
    )


def _detail(report: Report) -> str:
    return f", but it ended {report.verdict}" + (f": {report.message}" if report.message else "")


def _grade(exercise: Exercise, files: Mapping[str, bytes], tier: Tier) -> Report:
    return grade(exercise, files, tier=tier)


def _ignore(_event: Event) -> None:
    return None
