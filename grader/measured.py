"""What a judge measured, before a verdict is drawn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from grader.report import Usage

Provenance = Literal["observed", "recomputed"]
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


def add_usage(parts: Sequence[Usage]) -> Usage:
    """Boxes one after another: seconds add up, memory is the largest peak."""
    return Usage(
        wall_s=sum(part.wall_s for part in parts),
        cpu_s=sum(part.cpu_s for part in parts),
        peak_memory_bytes=max((part.peak_memory_bytes for part in parts), default=0),
    )
