"""`lessons verify`: an exercise's solution passes, its starter fails, each wrong submission is caught as declared."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from grader.cells import run_cell
from grader.events import Event
from grader.grading import grade
from grader.report import Report
from lessons.document import Cell
from lessons.loader import Exercise, Lesson
from lessons.schema import Expectation, Tier

Grade = Callable[[Exercise, Mapping[str, bytes], Tier], Report]
T = TypeVar("T")


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
    exercise: Exercise,
    tiers: Sequence[Tier],
    *,
    elsewhere: bool = False,
    jobs: int = 1,
    run: Grade | None = None,
) -> Iterator[Row]:
    """Grade solution and starter at each of these tiers, and the wrong submissions, each at the tier that it declares.

    `elsewhere`: also the wrong submissions that declare another tier than these. `jobs`: how many are graded at once,
    unless a clock is among the measures.
    """
    row = partial(_row, run or _grade, exercise)
    starter = {name: exercise.starter[name] for name in exercise.manifest.files.editable}
    work: list[Callable[[], Row]] = []
    for tier in tiers:
        work.append(partial(row, "solution", exercise.solution, tier, solution_surprise))
        work.append(partial(row, "starter", starter, tier, starter_surprise))
    for sample in exercise.samples:
        expect = sample.expect
        if elsewhere or expect.tier in tiers:
            work.append(partial(row, f"wrong/{sample.name}", sample.files, expect.tier, _expected(expect)))
    return _side_by_side(work, 1 if exercise.manifest.timed else jobs)


def verify_cells(lesson: Lesson, jobs: int = 1) -> Iterator[CellRow]:
    """Run every cell, `jobs` at once: each one without a session, and each session once, to its last cell."""
    last = {cell.session: cell.index for cell in lesson.cells if cell.session}
    chosen = [cell for cell in lesson.cells if not cell.session or last[cell.session] == cell.index]
    return _side_by_side([partial(_cell_row, lesson, cell) for cell in chosen], jobs)


def _cell_row(lesson: Lesson, cell: Cell) -> CellRow:
    before = [c.code for c in lesson.cells[: cell.index] if cell.session and c.session == cell.session]
    started = time.monotonic()
    result = run_cell([*before, cell.code], on_event=_ignore)
    problem = "" if result.verdict == "passed" else f"{result.verdict}: {result.message}"
    return CellRow(
        lesson=lesson.slug,
        cell=cell.index,
        line=cell.line,
        seconds=time.monotonic() - started,
        problem=problem,
    )


def _side_by_side(work: Iterable[Callable[[], T]], jobs: int) -> Iterator[T]:
    """What each of these returns, in order. When the reader stops, or one raises, those not begun never begin."""
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(each) for each in work]
        try:
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


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
