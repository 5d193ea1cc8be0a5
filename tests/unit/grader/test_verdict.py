"""From measurements to a verdict."""

from __future__ import annotations

import math

import pytest

from grader.errors import JudgeError
from grader.measured import MeasuredCheck, MeasuredMetric, Measurements
from grader.report import Usage
from grader.verdict import UNDER_REVIEW, Fault, conclude
from lessons.schema import Manifest

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
    assert (done.verdict, done.message, done.distinction) == ("under_review", UNDER_REVIEW, False)
    assert verdict(error=0.1, speed=101).verdict == "under_review"
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


def test_it_scores_checks_where_no_metric_is_graded():
    manifest = Manifest.model_validate(BASE | {"metric": [], "hint": []})
    done = conclude(manifest, "cpu", measured({"valid": True, "tidy": False}), None)
    assert (done.verdict, done.score) == ("passed", 0.5)
