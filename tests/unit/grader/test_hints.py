"""Which hint a learner gets."""

from __future__ import annotations

import pytest

from grader.hints import choose_hints
from grader.report import CheckResult, MetricResult
from lessons.schema import Hint, Manifest
from tests.unit.grader.test_verdict import BASE

HINTS = [
    {
        "when": "speed",
        "equals": 1.0,
        "within": 0.02,
        "text": "ratio is {value}: the optimizer was built before sharding",
    },
    {"when": "speed", "below": 1.0, "text": "slower than before"},
    {"when": "speed", "below": 1.5, "text": "a little faster"},
    {"when": "speed", "text": "profile first"},
    {"when": "error", "above": 0.2, "below": 0.5, "text": "nearly: {value}"},
    {"when": "tidy", "text": "tidy {it} up"},
    {"when": "failed", "text": "look at the log"},
]


def hints(verdict="failed", checks=(), declared=HINTS, **missed):
    manifest = Manifest.model_validate(BASE | {"hint": declared})
    metrics = [
        MetricResult(
            name=name, value=value, unit="", direction="lower", threshold=0, passed=False, samples=None, ci95=None
        )
        for name, value in missed.items()
    ]
    return choose_hints(
        manifest, verdict, metrics, [CheckResult(name=name, passed=False, feedback="") for name in checks]
    )


@pytest.mark.parametrize(
    ("value", "first"),
    [
        (1.0, "ratio is 1: the optimizer was built before sharding"),
        (1.013, "ratio is 1.013: the optimizer was built before sharding"),
        (0.985, "ratio is 0.985: the optimizer was built before sharding"),
        (0.97, "slower than before"),
        (1.3, "a little faster"),
    ],
)
def test_the_first_condition_that_fits_wins(value, first):
    assert hints(speed=value) == [first, "profile first", "look at the log"]


def test_no_condition_fits():
    assert hints(speed=1.5) == ["profile first", "look at the log"]


def test_each_metric_has_its_own_first():
    assert hints(speed=1.0, error=0.3)[1:] == ["profile first", "nearly: 0.3", "look at the log"]
    assert hints(error=0.2) == ["look at the log"]  # above is exclusive


def test_checks_and_verdicts_have_their_hints_with_braces_left_alone():
    assert hints(checks=["tidy"]) == ["tidy {it} up", "look at the log"]
    assert hints("crashed") == []


def test_equal_means_equal_unless_it_says_how_near():
    assert Hint(when="m", text="t", equals=3).fits(3.0)
    assert not Hint(when="m", text="t", equals=3).fits(3.0001)
