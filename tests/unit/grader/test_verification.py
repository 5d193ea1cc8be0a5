"""`lessons verify`: what counts as a surprise, and the lock."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
import time

import pytest

from grader.errors import InfraError
from grader.report import CheckResult, MetricResult, Report, Usage
from grader.verification import solution_surprise, starter_surprise, verify_cells, verify_exercise, wrong_surprise
from grader.verified import VerifiedLock
from lessons.loader import load_course
from lessons.schema import Expectation
from tests.fixtures.exercises import LESSONS, fixture_exercise


def report(verdict, *, failed_check=None, failed_metric=None) -> Report:
    metric = MetricResult(
        name="m", value=1, unit="", direction="lower", threshold=2, passed=not failed_metric, samples=None, ci95=None
    )
    return Report(
        exercise="90_fixtures/arithmetic",
        tier="smoke",
        verdict=verdict,
        score=0,
        metrics=[metric.model_copy(update={"name": failed_metric or "m"})],
        checks=[CheckResult(name=failed_check or "c", passed=not failed_check, feedback="")],
        usage=Usage(wall_s=0, cpu_s=0, peak_memory_bytes=0),
        seed=1,
        log_tail=[],
    )


def expectation(verdict, caught_by):
    return Expectation(verdict=verdict, caught_by=caught_by, why="w", kind="mistake")


def test_it_wants_solutions_to_pass_and_starters_to_fail():
    assert solution_surprise(report("passed")) == ""
    assert "must pass, but it ended under_review" in solution_surprise(report("under_review"))
    assert starter_surprise(report("failed")) == ""
    assert "must run and fail, but it ended crashed" in starter_surprise(report("crashed"))


@pytest.mark.parametrize(
    ("expect", "got", "surprise"),
    [
        (("failed", "m"), report("failed", failed_metric="m"), ""),
        (("failed", "c"), report("failed", failed_check="c"), ""),
        (("timed_out", "timed_out"), report("timed_out"), ""),
        (("failed", "m"), report("passed"), "declared failed, but it ended passed"),
        (("failed", "m"), report("failed", failed_check="c"), "declared caught by m, but it was c"),
        (("rejected", "rejected"), report("crashed"), "declared rejected, but it ended crashed"),
    ],
)
def test_it_wants_wrong_submissions_caught_as_declared(expect, got, surprise):
    assert wrong_surprise(expectation(*expect), got) == surprise


def test_it_grades_each_submission_at_its_tier():
    exercise = fixture_exercise("arithmetic")
    cpu = exercise.samples[0].expect.model_copy(update={"tier": "cpu"})
    exercise = dataclasses.replace(
        exercise, samples=(dataclasses.replace(exercise.samples[0], expect=cpu), *exercise.samples[1:])
    )

    def rows(tiers, **options):
        run = verify_exercise(exercise, tiers, run=lambda exercise, files, tier: report("failed"), **options)
        return [(row.submission, row.tier) for row in run]

    assert rows(["smoke"]) == [
        ("solution", "smoke"),
        ("starter", "smoke"),
        ("wrong/forgets_echo", "smoke"),
        ("wrong/loops", "smoke"),
    ]
    assert ("wrong/exits_early", "cpu") in rows(["smoke"], elsewhere=True)
    assert rows(["cpu"]) == [("solution", "cpu"), ("starter", "cpu"), ("wrong/exits_early", "cpu")]


def most_at_once(exercise, jobs):
    """How many gradings ran at one time, where each waits until there are two of them, or for a moment in vain."""
    running, most, second = 0, 0, threading.Event()

    def run(exercise, files, tier):
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running > 1:
            second.set()
        second.wait(0.3)
        running -= 1
        return report("failed")

    rows = list(verify_exercise(exercise, ["smoke"], jobs=jobs, run=run))
    assert [row.submission for row in rows[:2]] == ["solution", "starter"]  # in order, however they ended
    return most


def test_jobs_run_side_by_side_unless_there_is_a_clock():
    exercise = fixture_exercise("arithmetic")
    timed = dataclasses.replace(exercise, manifest=exercise.manifest.model_copy(update={"timed": True}))
    assert most_at_once(exercise, jobs=2) == 2
    assert most_at_once(exercise, jobs=1) == 1
    assert most_at_once(timed, jobs=2) == 1


def test_what_was_not_begun_never_begins_after_a_failure():
    begun = []

    def run(exercise, files, tier):
        begun.append(tier)
        time.sleep(0.1 * (len(begun) > 1))
        raise InfraError("no lab")

    with pytest.raises(InfraError):
        list(verify_exercise(fixture_exercise("arithmetic"), ["smoke"], run=run))
    assert len(begun) < 5


@pytest.mark.box
@pytest.mark.lab
def test_it_verifies_the_fixtures_for_real():
    rows = list(verify_exercise(fixture_exercise("arithmetic"), ["smoke"], jobs=2))
    assert [row.surprise for row in rows] == [""] * 5
    assert {row.submission: row.verdict for row in rows}["wrong/loops"] == "timed_out"


@pytest.mark.box
@pytest.mark.lab
def test_it_runs_each_session_to_its_last_cell():
    lesson = load_course([LESSONS]).lesson("90_fixtures")
    assert [(row.cell, row.problem) for row in verify_cells(lesson)] == [(1, "")]
    broken = dataclasses.replace(lesson, cells=(dataclasses.replace(lesson.cells[0], code="1 / 0"), *lesson.cells[1:]))
    assert "ZeroDivisionError" in next(verify_cells(broken)).problem


def test_it_forgets_a_verification_when_anything_changes(tmp_path):
    shutil.copytree(LESSONS / "90_fixtures", tmp_path / "90_fixtures")
    exercise = load_course([tmp_path]).exercise("90_fixtures", "writer")
    lock = VerifiedLock.of(exercise)
    assert not lock.is_current(exercise, ["smoke"])
    lock.record(exercise, ["smoke"])
    assert VerifiedLock.of(exercise).is_current(exercise, ["smoke"])
    assert not lock.is_current(exercise, ["smoke", "cpu"])
    assert list(json.loads((tmp_path / "verified.lock").read_text())) == ["90_fixtures/writer"]
    (exercise.folder / "prompt.md").write_text("another\n")
    changed = load_course([tmp_path]).exercise("90_fixtures", "writer")
    assert not VerifiedLock.of(changed).is_current(changed, ["smoke"])
