"""Figures from samples. Pure; the unit is the samples' own."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Middle and best of some samples. `spread`: the median distance from the median, which no outlier moves."""

    median: float
    minimum: float
    spread: float


def summarise(samples: Sequence[float]) -> Summary:
    """Raises ValueError if there is no sample."""
    if not samples:
        raise ValueError("no sample to summarise")
    median = statistics.median(samples)
    spread = statistics.median(abs(sample - median) for sample in samples)
    return Summary(median=median, minimum=min(samples), spread=spread)


def times(value: float, baseline: float) -> float | None:
    """How many times the baseline `value` is; None where the baseline is not above 0 (it drowned in noise)."""
    return value / baseline if baseline > 0 else None


def overhead_ratio(*, box: float, peer: float, bare: float) -> float | None:
    """How many times the peer's cost over the bare program the box's is; None where the peer seems to cost nothing."""
    return times(box - bare, peer - bare)
