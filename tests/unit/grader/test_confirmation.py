"""The second run: what two Reports say together, and both runs from one call."""

from __future__ import annotations

import pytest

from grader import SubmissionError, confirm_report, grade_certified
from grader.report import CheckResult, MetricResult, Report, Usage
from tests.fixtures.exercises import fixture_exercise, log_of

HONEST = fixture_exercise("arithmetic").solution["main.py"]
STARTER = {"main.py": fixture_exercise("arithmetic").starter["main.py"].encode()}


def report(value=0.05, *, seed=1, verdict=None, distinction=False, check=True, **changes) -> Report:
    passed = value <= 0.1
    metric = MetricResult(
        name="error_rate",
        value=value,
        unit="share",
        direction="lower",
        threshold=0.1,
        passed=passed,
        samples=10,
        ci95=None,
    )
    fields = {
        "exercise": "90_x/y",
        "tier": "cpu",
        "verdict": verdict or ("passed" if passed and check else "failed"),
        "score": 1.0,
        "metrics": [metric],
        "checks": [CheckResult(name="answers", passed=check, feedback="")],
        "usage": Usage(wall_s=1, cpu_s=1, peak_memory_bytes=1),
        "seed": seed,
        "log_tail": [],
        "distinction": distinction,
    }
    return Report(**{**fields, **changes})


def test_two_passes_confirm():
    both = confirm_report(report(seed=1), report(0.06, seed=2))
    assert (both.confirmed, both.verdict, both.differences, both.seed) == (True, "passed", [], 2)


@pytest.mark.parametrize(
    ("first", "second", "both"), [(True, True, True), (True, False, False), (False, True, False), (False, False, False)]
)
def test_a_distinction_needs_both_runs(first, second, both):
    found = confirm_report(report(distinction=first), report(seed=2, distinction=second))
    assert (found.confirmed, found.distinction) == (True, both)
    assert any("distinction" in line for line in found.differences) == (first and not second)


def test_a_second_run_that_fails_says_what_differed():
    found = confirm_report(report(distinction=True), report(0.3, seed=2))
    assert (found.confirmed, found.distinction) == (False, False)
    assert found.differences == [
        "The first run passed; the second one ended failed.",
        "Metric error_rate was 0.05 in the first run and 0.3 in the second; it must be at most 0.1 share.",
    ]


def test_a_check_that_no_longer_holds_is_named():
    assert (
        "Check answers held in the first run, not in the second."
        in confirm_report(report(), report(seed=2, check=False)).differences
    )


@pytest.mark.parametrize("verdict", ["infra_error", "cancelled", "under_review"])
def test_what_is_not_the_learners_decides_nothing(verdict):
    found = confirm_report(report(), report(seed=2, verdict=verdict))
    assert (found.confirmed, found.distinction, found.differences) == (None, False, [])


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (report(seed=3), report(seed=3), "same seed"),
        (report(0.5), report(seed=2), "nothing to confirm"),
        (report(), report(seed=2, exercise="90_x/z"), "says nothing of"),
        (report(), report(seed=2, tier="gpu"), "says nothing of"),
    ],
)
def test_it_refuses_reports_that_confirm_nothing(first, second, words):
    with pytest.raises(ValueError, match=words):
        confirm_report(first, second)


def test_a_report_from_before_there_was_a_second_run_still_reads():
    text = report().model_dump(mode="json", by_alias=True)
    for name in ("certified", "confirmed", "differences"):
        del text[name]
    del text["metrics"][0]["ceiling"]
    old = Report.model_validate(text)
    assert (old.certified, old.confirmed, old.differences) == (False, None, [])


def test_the_smoke_tier_certifies_nothing():
    with pytest.raises(SubmissionError, match="certifies nothing"):
        grade_certified(fixture_exercise("arithmetic"), {"main.py": b""}, tier="smoke")


@pytest.mark.box
@pytest.mark.lab
def test_it_runs_twice_on_two_seeds_and_confirms():
    found = []

    def run(keep):
        exercise = fixture_exercise("arithmetic")
        found.append(grade_certified(exercise, {"main.py": HONEST.encode()}, tier="cpu", seed=5, on_event=keep))

    log = log_of(run)
    assert "system: Passed. A second run on new data confirms it." in log
    assert (found[0].verdict, found[0].confirmed, found[0].certified) == ("passed", True, True)
    assert found[0].seed != 5


@pytest.mark.box
@pytest.mark.lab
def test_it_makes_no_second_run_of_what_failed():
    found = grade_certified(fixture_exercise("arithmetic"), STARTER, tier="cpu", seed=5)
    assert (found.verdict, found.confirmed, found.seed) == ("failed", False, 5)
