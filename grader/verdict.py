"""From measurements to a verdict. Pure: no clock, no file, no process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.errors import JudgeError
from grader.measured import MeasuredMetric, Measurements
from grader.report import CheckResult, MetricResult
from lessons.schema import Hint, Manifest, MetricSpec, Tier, Verdict

UNDER_REVIEW = "A number is better than is physically possible. An instructor will look at it before it counts."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How the learner's program ended the run before the judge was done."""

    verdict: Verdict
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """The graded part of a Report."""

    verdict: Verdict
    score: float
    metrics: list[MetricResult]
    checks: list[CheckResult]
    hints: list[str]
    distinction: bool
    message: str


def conclude(manifest: Manifest, tier: Tier, measured: Measurements, fault: Fault | None) -> Conclusion:
    """Draw the verdict.

    A fault decides alone. Otherwise every gate and every metric with a threshold at this tier must pass; the score is
    the passed share of the metrics' weights, and zero without every gate. A pass beyond a `ceiling` is under review.
    Raises JudgeError when the judge did not report all that it declared (it may stop early at a failed gate).
    """
    metrics = [
        _metric(spec, tier, measured.metrics[spec.name]) for spec in manifest.metric if spec.name in measured.metrics
    ]
    checks = [
        CheckResult(name=spec.name, passed=measured.checks[spec.name].ok, feedback=measured.checks[spec.name].feedback)
        for spec in manifest.check
        if spec.name in measured.checks
    ]
    gates_hold = _gates_hold(manifest, checks)
    if fault is None and gates_hold:
        _require_all(manifest, tier, measured)
    score = _score(manifest, metrics, checks) if fault is None and gates_hold else 0.0
    verdict = _verdict(manifest, tier, metrics, gates_hold, fault)
    return Conclusion(
        verdict=verdict,
        score=score,
        metrics=metrics,
        checks=checks,
        hints=_hints(manifest, verdict, metrics, checks),
        distinction=verdict == "passed" and _is_distinguished(manifest, tier, measured.metrics),
        message=fault.message if fault else UNDER_REVIEW if verdict == "under_review" else "",
    )


def meets(value: float, threshold: float, spec: MetricSpec) -> bool:
    """At least as good as the threshold."""
    return value <= threshold if spec.direction == "lower" else value >= threshold


def _metric(spec: MetricSpec, tier: Tier, measured: MeasuredMetric) -> MetricResult:
    threshold = spec.passing.get(tier)
    return MetricResult(
        name=spec.name,
        value=measured.value,
        unit=spec.unit,
        direction=spec.direction,
        threshold=threshold,
        passed=None if threshold is None else meets(measured.value, threshold, spec),
        samples=measured.samples,
        ci95=measured.ci95,
    )


def _gates_hold(manifest: Manifest, checks: list[CheckResult]) -> bool:
    gates = {spec.name for spec in manifest.check if spec.gate}
    return not any(check.name in gates and not check.passed for check in checks)


def _require_all(manifest: Manifest, tier: Tier, measured: Measurements) -> None:
    missing = [spec.name for spec in manifest.metric if tier in spec.passing and spec.name not in measured.metrics]
    missing += [spec.name for spec in manifest.check if spec.name not in measured.checks]
    if missing:
        raise JudgeError(f"the judge ended without reporting {', '.join(missing)}")


def _score(manifest: Manifest, metrics: list[MetricResult], checks: list[CheckResult]) -> float:
    weights = {spec.name: spec.weight for spec in manifest.metric}
    graded = [metric for metric in metrics if metric.passed is not None]
    if not graded:
        return sum(check.passed for check in checks) / len(checks) if checks else 0.0
    total = sum(weights[metric.name] for metric in graded)
    return sum(weights[metric.name] for metric in graded if metric.passed) / total


def _verdict(
    manifest: Manifest, tier: Tier, metrics: list[MetricResult], gates_hold: bool, fault: Fault | None
) -> Verdict:
    if fault is not None:
        return fault.verdict
    if not gates_hold or any(metric.passed is False for metric in metrics):
        return "failed"
    specs = {spec.name: spec for spec in manifest.metric}
    return "under_review" if any(_too_good(metric, specs[metric.name], tier) for metric in metrics) else "passed"


def _too_good(metric: MetricResult, spec: MetricSpec, tier: Tier) -> bool:
    ceiling = spec.ceiling.get(tier)
    return ceiling is not None and metric.value != ceiling and meets(metric.value, ceiling, spec)


def _is_distinguished(manifest: Manifest, tier: Tier, metrics: Mapping[str, MeasuredMetric]) -> bool:
    wanted = [(spec, spec.distinction[tier]) for spec in manifest.metric if tier in spec.distinction]
    return bool(wanted) and all(
        spec.name in metrics and meets(metrics[spec.name].value, threshold, spec) for spec, threshold in wanted
    )


def _hints(manifest: Manifest, verdict: str, metrics: list[MetricResult], checks: list[CheckResult]) -> list[str]:
    failed_checks = {check.name for check in checks if not check.passed}
    failed_metrics = {metric.name: metric.value for metric in metrics if metric.passed is False}
    return [
        hint.text
        for hint in manifest.hint
        if hint.when == verdict
        or hint.when in failed_checks
        or (hint.when in failed_metrics and _within(failed_metrics[hint.when], hint))
    ]


def _within(value: float, hint: Hint) -> bool:
    return (hint.above is None or value > hint.above) and (hint.below is None or value < hint.below)
