"""What a judge measured, before a verdict is drawn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.errors import JudgeError
from grader.measures import Measure
from grader.report import Usage
from lessons.schema import TRUSTED, MetricSpec, Provenance

MAX_FEEDBACK = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredMetric:
    value: float
    samples: int | None
    ci95: tuple[float, float] | None
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCheck:
    ok: bool
    feedback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    metrics: Mapping[str, MeasuredMetric]
    checks: Mapping[str, MeasuredCheck]
    usage: Usage


def accept_measure(spec: MetricSpec, measure: Measure) -> MeasuredMetric:
    """A measure of a declared metric.

    Raises JudgeError when it is in another unit, or rests on another word than the manifest says: a metric that
    declares no provenance must be observed or recomputed.
    """
    if measure.unit != spec.unit:
        raise JudgeError(f"metric {spec.name!r} was measured in {measure.unit!r}, but is declared in {spec.unit!r}")
    if measure.provenance != spec.provenance and (spec.provenance or measure.provenance not in TRUSTED):
        declared = spec.provenance or "observed or recomputed, since it declares none"
        raise JudgeError(f"metric {spec.name!r} is {measure.provenance}, but exercise.toml says {declared}")
    interval = None if measure.ci95 is None else (float(measure.ci95[0]), float(measure.ci95[1]))
    return MeasuredMetric(
        value=float(measure.value), samples=measure.samples, ci95=interval, provenance=measure.provenance
    )


def add_usage(parts: Sequence[Usage]) -> Usage:
    """Boxes one after another: seconds add up, memory is the largest peak."""
    return Usage(
        wall_s=sum(part.wall_s for part in parts),
        cpu_s=sum(part.cpu_s for part in parts),
        peak_memory_bytes=max((part.peak_memory_bytes for part in parts), default=0),
        peak_vram_bytes=max((part.peak_vram_bytes for part in parts), default=0),
    )
