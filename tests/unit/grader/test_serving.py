"""The `serve` protocol: a server in a pod, asked and loaded from a box of our own."""

from __future__ import annotations

import pytest

from grader import grade
from tests.fixtures.exercises import fixture_exercise

pytestmark = [pytest.mark.box, pytest.mark.lab]


def grade_folder(name: str, tier: str = "smoke"):
    exercise = fixture_exercise("responder")
    return grade(exercise, {"server.py": (exercise.folder / name / "server.py").read_bytes()}, tier=tier, seed=1)


def test_a_good_server_passes():
    report = grade_folder("solution", "cpu")
    assert report.verdict == "passed", report.message
    metrics = {metric.name: metric.value for metric in report.metrics}
    assert metrics["good_share"] == 1.0
    assert 0 < metrics["first_word_ms"] < 1000


@pytest.mark.parametrize(
    ("name", "verdict", "said"),
    [
        ("starter", "failed", ""),
        ("wrong/empty_bodies", "failed", ""),
        ("wrong/sheds_everything", "failed", ""),
        ("wrong/dies", "crashed", "ended by itself"),
        ("wrong/never_listens", "timed_out", "did not listen"),
    ],
)
def test_a_server_that_does_not_do_the_work_is_caught(name, verdict, said):
    report = grade_folder(name)
    assert report.verdict == verdict, report.message
    assert said in report.message


def test_a_stall_counts_against_the_requests_that_waited():
    """80 requests a second at 50 ms each, one at a time, is more than all: closed-loop clients would not notice."""
    report = grade_folder("wrong/stalls")
    assert report.verdict == "failed"
