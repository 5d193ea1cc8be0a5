"""From measurements to a verdict. Pure: no clock, no file, no process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from grader.errors import JudgeError
from grader.hints import choose_hints
from grader.measured import MeasuredMetric, Measurements
from grader.report import CheckResult, MetricResult
from lessons.schema import TRUSTED, Manifest, MetricSpec, Tier, Verdict

UNDER_REVIEW = "An instructor will look at it before it counts."

Blame = Literal["nobody", "learner", "caller", "platform"]
BLAME: Mapping[Verdict, Blame] = {
    "passed": "nobody",
    "failed": "learner",
    "timed_out": "learner",
    "out_of_memory": "learner",
    "crashed": "learner",
    "rejected": "learner",
    "under_review": "nobody",  # not decided yet
    "cancelled": "caller",
    "infra_error": "platform",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How the learner's program ended the run before the judge was done.

    Raises ValueError for a verdict that is not the learner's doing: no program can end its run in a pass.
    """

    verdict: Verdict
    message: str

    def __post_init__(self) -> None:
        if BLAME[self.verdict] != "learner":
            raise ValueError(f"a program cannot end its run in {self.verdict!r}")


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
    the passed share of the metrics' weights, and zero without every gate. What would pass, but has a metric beyond its
    `ceiling`, is under review.
    Raises JudgeError when the judge did not report all that it declared (it may stop early at a failed gate), or when
    a pass would stand on the program's own word.
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
        _require_trusted(manifest, tier, measured.metrics)
    score = _score(manifest, metrics, checks) if fault is None and gates_hold else 0.0
    verdict = _verdict(manifest, tier, metrics, gates_hold, fault)
    return Conclusion(
        verdict=verdict,
        score=score,
        metrics=metrics,
        checks=checks,
        hints=choose_hints(manifest, verdict, metrics, checks),
        distinction=verdict == "passed" and _is_distinguished(manifest, tier, measured.metrics),
        message=fault.message if fault else _review(manifest, tier, metrics) if verdict == "under_review" else "",
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
        provenance=measured.provenance,
        ceiling=spec.ceiling.get(tier),
    )


def _gates_hold(manifest: Manifest, checks: list[CheckResult]) -> bool:
    gates = {spec.name for spec in manifest.check if spec.gate}
    return not any(check.name in gates and not check.passed for check in checks)


def _require_all(manifest: Manifest, tier: Tier, measured: Measurements) -> None:
    missing = [spec.name for spec in manifest.metric if tier in spec.passing and spec.name not in measured.metrics]
    missing += [spec.name for spec in manifest.check if spec.name not in measured.checks]
    if missing:
        raise JudgeError(f"the judge ended without reporting {', '.join(missing)}")


def _require_trusted(manifest: Manifest, tier: Tier, metrics: Mapping[str, MeasuredMetric]) -> None:
    """The manifest promises this; here it holds for what was in fact measured."""
    graded = [spec.name for spec in manifest.metric if tier in spec.passing or tier in spec.distinction]
    words = {name: metrics[name].provenance for name in graded if name in metrics}
    reported = [name for name, word in words.items() if word == "reported"]
    if reported:
        raise JudgeError(f"{', '.join(reported)}: a pass cannot stand on what the program reports of itself")
    passing = [words[spec.name] for spec in manifest.metric if tier in spec.passing and spec.name in words]
    if "instrumented" in words.values() and TRUSTED.isdisjoint(passing):
        raise JudgeError("a pass cannot stand on counts taken inside the program's own process alone")


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
    return "under_review" if _beyond(manifest, tier, metrics) else "passed"


def _beyond(manifest: Manifest, tier: Tier, metrics: list[MetricResult]) -> list[tuple[MetricResult, float]]:
    """The metrics that are better than their ceiling, with it."""
    specs = {spec.name: spec for spec in manifest.metric}
    limits = [(metric, specs[metric.name].ceiling.get(tier)) for metric in metrics]
    return [
        (metric, limit)
        for metric, limit in limits
        if limit is not None and metric.value != limit and meets(metric.value, limit, specs[metric.name])
    ]


def _review(manifest: Manifest, tier: Tier, metrics: list[MetricResult]) -> str:
    reasons = [
        f"{metric.name} is {metric.value:.6g} {metric.unit}".rstrip()
        + f", but nothing {'below' if metric.direction == 'lower' else 'above'} {limit:g} is physically possible here."
        for metric, limit in _beyond(manifest, tier, metrics)
    ]
    return " ".join([*reasons, UNDER_REVIEW])


def _is_distinguished(manifest: Manifest, tier: Tier, metrics: Mapping[str, MeasuredMetric]) -> bool:
    wanted = [(spec, spec.distinction[tier]) for spec in manifest.metric if tier in spec.distinction]
    return bool(wanted) and all(
        spec.name in metrics and meets(metrics[spec.name].value, threshold, spec) for spec, threshold in wanted
    )
