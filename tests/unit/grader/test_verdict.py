"""From measurements to a verdict."""

from __future__ import annotations

import dataclasses
import math

import pytest

from grader.errors import JudgeError
from grader.measured import MeasuredCheck, MeasuredMetric, Measurements
from grader.report import Usage
from grader.verdict import BLAME, UNDER_REVIEW, Fault, conclude
from lessons.schema import VERDICTS, Manifest

BASE = {
    "schema": 1,
    "id": "5f0c8f7e-4b0a-4a55-9d0f-8c1f9a1f0009",
    "title": "T",
    "summary": "S",
    "minutes": 1,
    "difficulty": 1,
    "points": 1,
    "protocol": "call",
    "entry": "a.py",
    "files": {"editable": ["a.py"]},
    "tiers": {"smoke": {"seconds": 1}, "cpu": {"seconds": 1}},
    "metric": [
        {"name": "error", "unit": "", "direction": "lower", "means": "m", "weight": 3,
         "pass": {"smoke": 0.5, "cpu": 0.2},
         "distinction": {"cpu": 0.1}, "ceiling": {"cpu": 0.01}},
        {"name": "speed", "unit": "x", "direction": "higher", "means": "m", "pass": {"cpu": 2},
         "distinction": {"cpu": 4}, "ceiling": {"cpu": 100}},
    ],
    "check": [{"name": "valid", "means": "m"}, {"name": "tidy", "means": "m", "gate": False}],
    "hint": [
        {"when": "error", "above": 0.4, "text": "far off"},
        {"when": "error", "below": 0.4, "text": "nearly"},
        {"when": "speed", "text": "faster"},
        {"when": "valid", "text": "be valid"},
        {"when": "tidy", "text": "be tidy"},
        {"when": "crashed", "text": "read the traceback"},
        {"when": "passed", "text": "well done"},
    ],
}  # fmt: skip
MANIFEST = Manifest.model_validate(BASE)


def measured(checks=None, **metrics) -> Measurements:
    checks = {"valid": True, "tidy": True} if checks is None else checks
    return Measurements(
        metrics={
            name: MeasuredMetric(value=value, samples=None, ci95=None, provenance="observed")
            for name, value in metrics.items()
        },
        checks={name: MeasuredCheck(ok=ok, feedback="" if ok else "why") for name, ok in checks.items()},
        usage=Usage(wall_s=0, cpu_s=0, peak_memory_bytes=0),
    )


def verdict(tier="cpu", checks=None, fault=None, **metrics):
    return conclude(MANIFEST, tier, measured(checks, **metrics), fault)


def test_it_passes_at_the_threshold_itself():
    done = verdict(error=0.2, speed=2)
    assert (done.verdict, done.score, done.distinction, done.message) == ("passed", 1.0, False, "")
    assert done.hints == ["well done"]


def test_it_fails_just_beyond_a_threshold_and_weighs_the_score():
    done = verdict(error=math.nextafter(0.2, 1), speed=2)
    assert (done.verdict, done.score) == ("failed", 0.25)
    assert verdict(error=0.2, speed=1.99).score == 0.75
    assert [metric.passed for metric in done.metrics] == [False, True]


def test_it_chooses_hints_by_value_and_in_order():
    assert verdict(error=0.5, speed=1).hints == ["far off", "faster"]
    assert verdict(error=0.3, speed=2).hints == ["nearly"]
    assert verdict(error=0.1, speed=2, checks={"valid": True, "tidy": False}).hints == ["be tidy", "well done"]


def test_it_grades_only_what_the_tier_grades():
    done = verdict("smoke", error=0.5, speed=0)
    assert (done.verdict, done.score) == ("passed", 1.0)
    assert (done.metrics[1].threshold, done.metrics[1].passed) == (None, None)
    assert verdict("smoke", error=0.5).verdict == "passed"


def test_it_fails_and_scores_nothing_without_a_gate():
    done = verdict(error=0.1, speed=9, checks={"valid": False, "tidy": True})
    assert (done.verdict, done.score, done.distinction) == ("failed", 0.0, False)
    assert done.checks[0].feedback == "why"


def test_it_lets_a_judge_stop_at_a_failed_gate():
    assert verdict(checks={"valid": False}).verdict == "failed"


def test_it_passes_with_a_failed_check_that_is_no_gate():
    assert verdict(error=0.1, speed=9, checks={"valid": True, "tidy": False}).verdict == "passed"


def test_it_distinguishes_only_when_every_threshold_of_distinction_is_met():
    assert verdict(error=0.1, speed=4).distinction
    assert not verdict(error=0.1, speed=3.9).distinction
    assert not verdict("smoke", error=0.0, speed=50).distinction


def test_it_reviews_what_is_better_than_possible_but_not_what_failed():
    done = verdict(error=0.009, speed=3)
    assert (done.verdict, done.distinction, done.score) == ("under_review", False, 1.0)
    assert done.message == f"error is 0.009, but nothing below 0.01 is physically possible here. {UNDER_REVIEW}"
    assert [metric.passed for metric in done.metrics] == [True, True]  # no metric is called a miss for it
    both = verdict(error=0.009, speed=101)
    assert both.verdict == "under_review"
    assert "speed is 101 x, but nothing above 100 is physically possible here." in both.message
    assert verdict(error=0.01, speed=100).verdict == "passed"  # the ceiling itself is possible
    assert verdict(error=0.3, speed=101).verdict == "failed"


def test_it_lets_a_fault_decide_alone():
    done = verdict(error=0.1, speed=9, fault=Fault(verdict="crashed", message="boom"))
    assert (done.verdict, done.score, done.message) == ("crashed", 0.0, "boom")
    assert done.hints == ["read the traceback"]
    assert len(done.metrics) == 2


@pytest.mark.parametrize(
    ("checks", "metrics", "missing"),
    [
        (None, {"error": 0.1}, "speed"),
        ({"valid": True}, {"error": 0.1, "speed": 3}, "tidy"),
        ({}, {}, "error, speed, valid, tidy"),
        ({"tidy": False}, {"error": 0.1, "speed": 3}, "valid"),
    ],
)
def test_it_refuses_a_judge_that_left_something_out(checks, metrics, missing):
    with pytest.raises(JudgeError, match=f"without reporting {missing}$"):
        verdict(checks=checks, **metrics)


def words(tier="cpu", checks=None, **provenances):
    """All numbers pass; each metric has this provenance."""
    found = measured(checks, error=0.1, speed=9)
    metrics = {
        name: dataclasses.replace(one, provenance=provenances.get(name, "observed"))
        for name, one in found.metrics.items()
    }
    return conclude(MANIFEST, tier, dataclasses.replace(found, metrics=metrics), None)


def test_it_passes_an_instrumented_metric_only_beside_a_trusted_one():
    assert words(error="instrumented", speed="recomputed").verdict == "passed"
    assert words(error="instrumented", speed="observed").metrics[0].provenance == "instrumented"
    with pytest.raises(JudgeError, match="alone"):
        words(error="instrumented", speed="instrumented")
    with pytest.raises(JudgeError, match="alone"):  # speed is not graded at smoke: it stands beside nothing
        words("smoke", error="instrumented", speed="observed")


def test_it_refuses_to_grade_what_the_program_reports_of_itself_but_shows_it():
    with pytest.raises(JudgeError, match=r"^error: a pass cannot stand on what the program reports"):
        words(error="reported")
    shown = words("smoke", speed="reported")
    assert (shown.verdict, shown.metrics[1].provenance, shown.metrics[1].passed) == ("passed", "reported", None)


def test_it_names_somebody_to_blame_for_every_verdict():
    assert set(BLAME) == set(VERDICTS)
    assert {verdict for verdict, who in BLAME.items() if who == "learner"} == {
        "failed", "timed_out", "out_of_memory", "crashed", "rejected",
    }  # fmt: skip
    assert {verdict for verdict, who in BLAME.items() if who == "platform"} == {"infra_error"}


@pytest.mark.parametrize("gates", [True, False, None])
@pytest.mark.parametrize("numbers", ["all pass", "one missed", "one too good", "missing"])
@pytest.mark.parametrize("ended", [None, *VERDICTS])
def test_it_knows_whose_fault_it_was_in_every_case(ended, numbers, gates):
    """Every verdict as a fault, with every state of the numbers and gates (None: the gate was not reported)."""
    if ended is not None and BLAME[ended] != "learner":
        with pytest.raises(ValueError, match="cannot end its run in"):
            Fault(verdict=ended, message="m")
        return
    metrics = {
        "all pass": {"error": 0.1, "speed": 9},
        "one missed": {"error": 0.1, "speed": 1},
        "one too good": {"error": 0.1, "speed": 101},
        "missing": {"error": 0.1},
    }[numbers]
    checks = {"tidy": True} | ({} if gates is None else {"valid": gates})
    fault = Fault(verdict=ended, message="m") if ended else None
    if fault is None and gates is not False and (gates is None or numbers == "missing"):
        with pytest.raises(JudgeError, match="without reporting"):  # ours: the grader makes it infra_error
            verdict(checks=checks, **metrics)
        return
    done = verdict(checks=checks, fault=fault, **metrics)
    wanted = ended or (
        "failed"
        if gates is False
        else {"all pass": "passed", "one missed": "failed", "one too good": "under_review"}[numbers]
    )
    assert done.verdict == wanted
    assert BLAME[done.verdict] != "platform"
    assert (done.score > 0) == (fault is None and gates is True)


def test_it_scores_checks_where_no_metric_is_graded():
    manifest = Manifest.model_validate(BASE | {"metric": [], "hint": []})
    done = conclude(manifest, "cpu", measured({"valid": True, "tidy": False}), None)
    assert (done.verdict, done.score) == ("passed", 0.5)


def test_a_metric_carries_the_ceiling_of_its_tier_for_whoever_reviews_it():
    found = {tier: conclude(MANIFEST, tier, measured(error=0.005, speed=3), None) for tier in ("smoke", "cpu")}
    assert found["cpu"].verdict == "under_review"
    assert [(metric.name, metric.ceiling) for metric in found["cpu"].metrics] == [("error", 0.01), ("speed", 100)]
    assert [metric.ceiling for metric in found["smoke"].metrics] == [None, None]
