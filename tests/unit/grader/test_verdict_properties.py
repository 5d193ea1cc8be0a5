"""What holds for every manifest and every outcome."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grader.errors import JudgeError
from grader.measured import MeasuredCheck, MeasuredMetric, Measurements
from grader.report import Report, Usage
from grader.verdict import conclude
from lessons.schema import Manifest
from tests.unit.grader.test_verdict import BASE

USAGE = Usage(wall_s=0, cpu_s=0, peak_memory_bytes=0)
TIER = "cpu"
values = st.integers(-20, 20).map(float)
RANK = {"failed": 0, "passed": 1, "under_review": 1}  # a better number never makes a pass a fail


@st.composite
def metric_specs(draw):
    name = draw(st.sampled_from("abcdef"))
    direction = draw(st.sampled_from(["lower", "higher"]))
    bars = sorted([draw(values) for _ in range(3)], reverse=direction == "lower")
    fields = [field for field in ("pass", "distinction", "ceiling") if draw(st.booleans())]
    spec = {"name": name, "unit": "", "direction": direction, "means": "m", "weight": draw(st.integers(1, 5))}
    return spec | {
        field: {TIER: bar}
        for field, bar in zip(("pass", "distinction", "ceiling"), bars, strict=True)
        if field in fields
    }


check_specs = st.builds(
    lambda name, gate: {"name": name, "means": "m", "gate": gate}, st.sampled_from("uvwxyz"), st.booleans()
)


@st.composite
def runs(draw):
    """A manifest that grades something, and measurements of all that it declares."""
    metrics = draw(st.lists(metric_specs(), max_size=4, unique_by=lambda spec: spec["name"]))
    checks = draw(st.lists(check_specs, max_size=4, unique_by=lambda spec: spec["name"]))
    assume(any("pass" in spec for spec in metrics) or any(spec["gate"] for spec in checks))
    tiers = {TIER: {"seconds": 1}}
    manifest = Manifest.model_validate(BASE | {"tiers": tiers, "metric": metrics, "check": checks, "hint": []})
    numbers = {spec["name"]: draw(values) for spec in metrics}
    answers = {spec["name"]: draw(st.booleans() | st.just(True)) for spec in checks}
    return manifest, numbers, answers


def measured(numbers, answers):
    return Measurements(
        metrics={
            name: MeasuredMetric(value=value, samples=None, ci95=None, provenance="observed")
            for name, value in numbers.items()
        },
        checks={name: MeasuredCheck(ok=ok, feedback="") for name, ok in answers.items()},
        usage=USAGE,
    )


def done(manifest, numbers, answers):
    return conclude(manifest, TIER, measured(numbers, answers), None)


@settings(deadline=None)
@given(runs(), st.data())
def test_it_is_monotone_in_every_metric(run, data):
    manifest, numbers, answers = run
    assume(numbers)
    spec = data.draw(st.sampled_from(manifest.metric))
    step = data.draw(st.integers(0, 30)) * (-1 if spec.direction == "lower" else 1)
    before = done(manifest, numbers, answers)
    after = done(manifest, numbers | {spec.name: numbers[spec.name] + step}, answers)
    assert RANK[after.verdict] >= RANK[before.verdict]
    assert after.score >= before.score


@settings(deadline=None)
@given(runs(), st.data())
def test_a_check_that_holds_never_makes_it_worse(run, data):
    manifest, numbers, answers = run
    assume(answers)
    name = data.draw(st.sampled_from(sorted(answers)))
    before = done(manifest, numbers, answers | {name: False})
    after = done(manifest, numbers, answers | {name: True})
    assert RANK[after.verdict] >= RANK[before.verdict]
    assert after.score >= before.score


@settings(deadline=None)
@given(runs())
def test_a_missing_metric_never_passes(run):
    manifest, numbers, answers = run
    for spec in manifest.metric:
        if TIER not in spec.passing:
            continue
        less = {name: value for name, value in numbers.items() if name != spec.name}
        if all(answers[check.name] for check in manifest.check if check.gate):
            with pytest.raises(JudgeError, match=f"without reporting.* {spec.name}"):
                done(manifest, less, answers)
        else:
            assert done(manifest, less, answers).verdict == "failed"


@settings(deadline=None)
@given(runs())
def test_a_missing_check_never_passes(run):
    manifest, numbers, answers = run
    for name in answers:
        less = {other: ok for other, ok in answers.items() if other != name}
        if all(less.get(check.name, True) for check in manifest.check if check.gate):
            with pytest.raises(JudgeError, match="without reporting"):
                done(manifest, numbers, less)
        else:
            assert done(manifest, numbers, less).verdict == "failed"


@settings(deadline=None)
@given(runs(), st.randoms(use_true_random=False))
def test_order_does_not_matter(run, shuffler: random.Random):
    manifest, numbers, answers = run
    before = done(manifest, numbers, answers)
    metrics, checks = list(manifest.metric), list(manifest.check)
    shuffler.shuffle(metrics)
    shuffler.shuffle(checks)
    reported = list(numbers.items()), list(answers.items())
    for pairs in reported:
        shuffler.shuffle(pairs)
    other = manifest.model_copy(update={"metric": metrics, "check": checks})
    after = done(other, dict(reported[0]), dict(reported[1]))
    assert (after.verdict, after.distinction) == (before.verdict, before.distinction)
    assert after.score == pytest.approx(before.score)


def is_beyond(spec, value):
    if TIER not in spec.ceiling:
        return False
    limit = spec.ceiling[TIER]
    return value < limit if spec.direction == "lower" else value > limit


@settings(deadline=None)
@given(runs())
def test_a_number_beyond_its_ceiling_is_never_a_pass_and_alone_never_a_fail(run):
    manifest, numbers, answers = run
    found = done(manifest, numbers, answers)
    beyond = [spec.name for spec in manifest.metric if is_beyond(spec, numbers[spec.name])]
    misses = any(metric.passed is False for metric in found.metrics) or any(
        not answers[check.name] for check in manifest.check if check.gate
    )
    assert found.verdict == ("failed" if misses else "under_review" if beyond else "passed")
    if found.verdict == "under_review":
        assert all(f"{name} is " in found.message for name in beyond)
        assert not found.distinction


@settings(deadline=None)
@given(runs())
def test_every_conclusion_fits_a_report(run):
    manifest, numbers, answers = run
    found = done(manifest, numbers, answers)
    report = Report(
        exercise="01_a/b", tier=TIER, verdict=found.verdict, score=found.score, metrics=found.metrics, seed=1,
        checks=found.checks, usage=USAGE, log_tail=[], hints=found.hints, message=found.message,
    )  # fmt: skip
    assert Report.from_json(report.to_json()) == report
    assert 0 <= found.score <= 1
    assert (found.score == 1) or found.verdict == "failed" or not all(answers.values())
