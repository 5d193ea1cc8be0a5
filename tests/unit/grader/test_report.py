"""The Report's JSON."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from grader.report import MAX_BYTES, CheckResult, MetricResult, Report, Usage

USAGE = Usage(wall_s=1.5, cpu_s=1.0, peak_memory_bytes=10)
METRIC = MetricResult(
    name="m", value=1.0, unit="s", direction="lower", threshold=2.0, passed=True, samples=5, ci95=(0.5, 1.5),
    provenance="observed",
)  # fmt: skip


def report(**changes) -> Report:
    fields = {
        "exercise": "01_a/b",
        "tier": "cpu",
        "verdict": "passed",
        "score": 1.0,
        "metrics": [METRIC],
        "checks": [CheckResult(name="c", passed=True, feedback="")],
        "usage": USAGE,
        "seed": 7,
        "log_tail": ["[out] hello"],
    }
    return Report(**fields | changes)


def test_it_has_exactly_the_agreed_fields():
    data = json.loads(report().to_json())
    assert list(data) == [
        "schema", "exercise", "tier", "verdict", "score", "metrics", "checks", "usage", "seed", "log_tail",
        "hints", "distinction", "message", "certified", "confirmed", "differences",
    ]  # fmt: skip
    assert data["schema"] == 1
    assert list(data["metrics"][0]) == [
        "name", "value", "unit", "direction", "threshold", "passed", "samples", "ci95", "provenance", "ceiling",
    ]  # fmt: skip
    assert set(data["checks"][0]) == {"name", "passed", "feedback"}
    assert set(data["usage"]) == {"wall_s", "cpu_s", "peak_memory_bytes", "peak_vram_bytes"}


def test_it_reads_back_what_it_wrote():
    assert Report.from_json(report().to_json()) == report()


def test_it_reads_a_report_from_before_provenance_was_kept():
    data = json.loads(report().to_json())
    del data["metrics"][0]["provenance"]
    assert Report.from_json(json.dumps(data)) == report(metrics=[METRIC.model_copy(update={"provenance": None})])


def test_it_refuses_a_provenance_that_does_not_exist():
    with pytest.raises(ValidationError):
        METRIC.model_validate(METRIC.model_dump() | {"provenance": "believed"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_it_refuses_nan_and_infinity(value):
    with pytest.raises(ValidationError):
        METRIC.model_validate(METRIC.model_dump() | {"value": value})
    with pytest.raises(ValidationError):
        report(score=value)


@pytest.mark.parametrize(
    "changes", [{"score": 1.1}, {"verdict": "great"}, {"tier": "tpu"}, {"extra": 1}, {"schema": 2}, {"seed": "x"}]
)
def test_it_refuses_other_fields_and_values(changes):
    text = json.dumps(json.loads(report().to_json()) | changes)
    with pytest.raises(ValidationError):
        Report.from_json(text)


def test_it_refuses_more_than_its_cap_both_ways():
    large = report(log_tail=["é" * 4000] * 100)
    with pytest.raises(ValueError, match="over"):
        large.to_json()
    with pytest.raises(ValueError, match="over"):
        Report.from_json(" " * (MAX_BYTES + 1))
    with pytest.raises(ValueError, match="over"):
        Report.from_json("é" * (MAX_BYTES // 2 + 1))  # the cap counts bytes
