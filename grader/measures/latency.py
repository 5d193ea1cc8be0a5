"""Latencies and throughput from the load generator's records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from grader.measures.measure import Measure
from grader.stats import bootstrap_ci95, percentile_ranks, rate_ceiling

_SLICES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileBound:
    """Whether "at most 1 % are slower than x" can be said with 95 % confidence. `over`: requests that were slower."""

    percent: float
    limit_s: float
    samples: int
    over: int
    ceiling: float  # of the true share that is slower

    @property
    def holds(self) -> bool:
        return self.ceiling <= 1 - self.percent / 100

    @property
    def text(self) -> str:
        return (
            f"{self.over} of {self.samples} requests took longer than {1000 * self.limit_s:g} ms; with 95 % confidence"
            f" at most {100 * self.ceiling:.2f} % do (allowed: {100 - self.percent:g} %)."
        )


def latency_percentile(latencies_s: Sequence[float], percent: float, *, failed: int = 0, timeout_s: float) -> Measure:
    """The percentile in seconds (nearest rank), with the distribution-free interval of two order statistics.

    Latencies run from the intended send time. A failed request counts as one that took `timeout_s`, and so does a
    longer one. Raises ValueError when there are too few requests for the interval: 368 for the 99th percentile.
    """
    _check(latencies_s, percent, failed)
    ordered = sorted(min(latency, timeout_s) for latency in latencies_s) + [timeout_s] * failed
    low, high = percentile_ranks(len(ordered), percent)
    rank = max(1, math.ceil(len(ordered) * percent / 100 - 1e-9))
    return Measure(
        value=ordered[rank - 1],
        unit="s",
        provenance="observed",
        samples=len(ordered),
        ci95=(ordered[low - 1], ordered[high - 1]),
    )


def percentile_under(
    latencies_s: Sequence[float], percent: float, limit_s: float, *, failed: int = 0
) -> PercentileBound:
    """Test "p99 under x" by counting the requests over x: their true share has a one-sided Clopper-Pearson bound.

    A failed request is over. 99 of 100 in time is no proof: it takes 299 requests without one over, or 473 with one.
    Raises ValueError when there is no request.
    """
    _check(latencies_s, percent, failed)
    over = sum(latency > limit_s for latency in latencies_s) + failed
    samples = len(latencies_s) + failed
    return PercentileBound(
        percent=percent, limit_s=limit_s, samples=samples, over=over, ceiling=rate_ceiling(over, samples)
    )


def throughput(finished_s: Sequence[float], start_s: float, end_s: float, unit: str = "1/s") -> Measure:
    """Completions a second in [start, end), with a bootstrap interval over twenty equal slices of that time.

    `finished_s`: when each correct answer was complete. Give a start after the warm-up, by the clock. Raises ValueError
    unless the end comes after the start.
    """
    if not end_s > start_s:
        raise ValueError(f"a throughput needs time between {start_s} and {end_s}")
    width = (end_s - start_s) / _SLICES
    counts = [0] * _SLICES
    for moment in finished_s:
        if start_s <= moment < end_s:
            counts[min(_SLICES - 1, int((moment - start_s) / width))] += 1
    rates = [count / width for count in counts]
    return Measure(
        value=fmean(rates),
        unit=unit,
        provenance="observed",
        samples=max(1, sum(counts)),
        ci95=bootstrap_ci95(rates, fmean),
    )


def _check(latencies_s: Sequence[float], percent: float, failed: int) -> None:
    if not 0 < percent < 100 or failed < 0 or any(not latency >= 0 for latency in latencies_s):
        raise ValueError(f"percentile {percent} of latencies that must not be negative, with {failed} failed")
