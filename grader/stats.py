"""Intervals for a judge's metrics. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

_Z95 = 1.959963984540054


def proportion_ci95(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a rate. Raises ValueError unless 0 ≤ successes ≤ trials and trials > 0."""
    if trials <= 0 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is not a proportion")
    rate = successes / trials
    z2 = _Z95 * _Z95
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z95 / (1 + z2 / trials) * math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def mean_ci95(values: Sequence[float]) -> tuple[float, float]:
    """Normal 95 % interval for a mean; good from about 30 values on. Raises ValueError for fewer than two."""
    if len(values) < 2:
        raise ValueError("an interval needs at least two values")
    mean = fmean(values)
    half = _Z95 * stdev(values) / math.sqrt(len(values))
    return mean - half, mean + half
