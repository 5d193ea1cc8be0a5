"""What `bench.metric` takes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from grader import grade
from grader.bench import Bench
from grader.errors import JudgeError
from grader.measures import Measure
from tests.fixtures.exercises import fixture_exercise, judged_by


def bench(declared=None) -> Bench:
    """`largest` is shown, not graded; its unit is "number"."""
    exercise = fixture_exercise("arithmetic")
    metrics = [spec.model_copy(update={"provenance": declared}) for spec in exercise.manifest.metric]
    manifest = exercise.manifest.model_copy(update={"metric": metrics})
    context = SimpleNamespace(exercise=exercise.key, tier="smoke", manifest=manifest)  # no box is started
    return Bench(context, seed=1)


def reported(value, *, declared=None, **known):
    made = bench(declared)
    made.metric("largest", value, **known)
    return made.measurements().metrics["largest"]


def test_it_takes_a_measure_with_all_that_it_says():
    measure = Measure(value=7, unit="number", provenance="recomputed", samples=3, ci95=(6, 9))
    found = reported(measure)
    assert (found.value, found.samples, found.ci95, found.provenance) == (7.0, 3, (6.0, 9.0), "recomputed")


def test_it_takes_a_plain_number_with_its_provenance():
    assert reported(7, samples=2, ci95=(6, 8), provenance="recomputed") == reported(
        Measure(value=7, unit="number", provenance="recomputed", samples=2, ci95=(6, 8))
    )
    assert reported(7).provenance == "observed"


@pytest.mark.parametrize(
    ("declared", "given", "accepted"),
    [
        (None, "observed", True),
        (None, "recomputed", True),
        (None, "instrumented", False),
        (None, "reported", False),
        ("instrumented", "instrumented", True),
        ("instrumented", "observed", False),
        ("instrumented", "reported", False),
        ("reported", "reported", True),
        ("reported", "instrumented", False),
        ("observed", "recomputed", False),
        ("recomputed", "recomputed", True),
    ],
)
def test_its_provenance_must_be_the_declared_one(declared, given, accepted):
    if accepted:
        assert reported(1, declared=declared, provenance=given).provenance == given
        return
    with pytest.raises(JudgeError, match=f"metric 'largest' is {given}, but exercise.toml says"):
        reported(1, declared=declared, provenance=given)


@pytest.mark.parametrize(
    ("value", "known", "said"),
    [
        (float("nan"), {}, "is not finite"),
        (1, {"ci95": (0, float("inf"))}, "is not finite"),
        (1, {"ci95": (2, 1)}, "upside down"),
        (1, {"samples": 0}, "at least one sample"),
        (Measure(value=1, unit="ms", provenance="observed"), {}, "measured in 'ms', but is declared in 'number'"),
    ],
)
def test_it_refuses_what_cannot_be_believed(value, known, said):
    with pytest.raises(JudgeError, match=said):
        reported(value, **known)


def test_it_takes_each_metric_once():
    made = bench()
    made.metric("largest", 1)
    with pytest.raises(JudgeError, match="twice"):
        made.metric("largest", Measure(value=1, unit="number", provenance="observed"))
    with pytest.raises(JudgeError, match="not declared"):
        made.metric("unheard", 1)


JUDGE = """
from grader.api import Bench, measures


def judge(bench: Bench) -> None:
    bench.metric("right_share", measures.share(3, 4))
    bench.metric("largest", 5, provenance={word!r})
    bench.check("echoes", True)
    bench.check("has_docstring", True)
"""


@pytest.mark.lab
def test_a_judge_measures_and_the_report_says_who_says_so(tmp_path):
    exercise = judged_by(JUDGE.format(word="recomputed"), tmp_path)
    report = grade(exercise, exercise_files(exercise), tier="smoke")
    right, largest = report.metrics
    assert (report.verdict, right.value, right.samples, right.provenance) == ("failed", 0.75, 4, "recomputed")
    assert right.ci95 == pytest.approx((0.3006, 0.9544), abs=1e-4)
    assert (largest.value, largest.provenance) == (5.0, "recomputed")


@pytest.mark.lab
def test_a_judge_that_trusts_the_program_breaks_its_own_run_not_the_learners(tmp_path, caplog):
    exercise = judged_by(JUDGE.format(word="reported"), tmp_path)
    report = grade(exercise, exercise_files(exercise), tier="smoke")
    assert (report.verdict, report.metrics) == ("infra_error", [])
    assert "metric 'largest' is reported, but exercise.toml says observed or recomputed" in caplog.text


def exercise_files(exercise):
    return {name: text.encode() for name, text in exercise.solution.items()}
