from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessons.schema import MetricSpec
from webapp.submissions.metrics import metric_view, number_text, scale_of

SPEC = MetricSpec.model_validate(
    {
        "name": "error_rate",
        "unit": "share",
        "direction": "lower",
        "means": "How often.",
        "pass": {"cpu": 0.1},
        "distinction": {"cpu": 0.05},
    }
)


def result(**changes: Any) -> dict[str, Any]:
    base = {"name": "error_rate", "value": 0.08, "unit": "share", "direction": "lower", "threshold": 0.1}
    return {**base, "passed": True, "samples": 100, "ci95": [0.06, 0.12], **changes}


def test_it_places_everything_on_one_scale() -> None:
    view = metric_view(result(), SPEC, "cpu")
    places = [view.distinction_at, view.ci_low_at, view.value_at, view.threshold_at, view.ci_high_at]
    assert places == sorted(places)  # type: ignore[type-var]
    assert all(0 <= one <= 100 for one in places if one is not None)
    assert (view.ci_low_at or 0) + (view.ci_width or 0) == pytest.approx(view.ci_high_at)
    assert (view.threshold_text, view.distinction_text, view.means) == ("at most 10 %", "at most 5 %", "How often.")
    assert (view.title, view.value_text, view.ci95_text) == ("Error rate", "8 %", "6 % – 12 %")


@pytest.mark.parametrize(
    ("value", "direction", "reached"), [(0.05, "lower", True), (0.06, "lower", False), (0.06, "higher", True)]
)
def test_it_knows_a_distinction(value: float, direction: str, reached: bool) -> None:
    assert metric_view(result(value=value, direction=direction), SPEC, "cpu").is_distinction is reached


def test_it_draws_what_is_not_graded() -> None:
    view = metric_view(result(threshold=None, passed=None, ci95=None, samples=None), None, "smoke")
    assert (view.threshold_at, view.distinction_at, view.ci_low_at, view.ci_width) == (None, None, None, None)
    assert (view.threshold_text, view.ci95_text, view.means) == ("", "", "")


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=5), st.sampled_from(["share", "s", "%", ""]))
def test_every_mark_is_on_the_scale(marks: list[float], unit: str) -> None:
    low, high = scale_of(marks, unit)
    assert low < high
    assert all(low <= mark <= high for mark in marks)


@given(st.floats(-1e15, 1e15), st.floats(-1e15, 1e15))
def test_any_numbers_can_be_drawn(value: float, threshold: float) -> None:
    view = metric_view(result(value=value, threshold=threshold, ci95=[value, value]), SPEC, "cpu")
    assert 0 <= view.value_at <= 100
    assert 0 <= (view.threshold_at or 0) <= 100


@pytest.mark.parametrize(
    ("provenance", "text"),
    [
        ("observed", "measured outside"),
        ("recomputed", "computed from"),
        ("instrumented", "inside"),
        ("reported", "tells"),
    ],
)
def test_it_says_who_says_so(provenance: str, text: str) -> None:
    assert text in metric_view(result(provenance=provenance), SPEC, "cpu").provenance_text


def test_it_reads_a_report_from_before_provenance_was_kept() -> None:
    assert "provenance" not in result()
    assert metric_view(result(), SPEC, "cpu").provenance_text == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0651, "0.0651"), (0.94, "0.94"), (12.345, "12.3"), (100, "100"), (123456, "123,456"), (-2.5, "-2.5")],
)
def test_it_writes_three_digits(value: float, text: str) -> None:
    assert number_text(value) == text
