"""Intervals for a judge's metrics. Standard library only; the same values always give the same interval."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import TypeVar

T = TypeVar("T")

Z95 = 1.959963984540054
_RESAMPLES_SEED = 20_260_101
_TINY = 1e-300
_MAX_TERMS = 100_000


def proportion_ci95(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a rate. Raises ValueError unless 0 ≤ successes ≤ trials and trials > 0."""
    _check_proportion(successes, trials)
    rate = successes / trials
    z2 = Z95 * Z95
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 / (1 + z2 / trials) * math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def mean_ci95(values: Sequence[float]) -> tuple[float, float]:
    """Normal 95 % interval for a mean; good from about 30 values on.

    Raises ValueError for fewer than two values, or one that is not finite.
    """
    if len(values) < 2 or not all(map(math.isfinite, values)):
        raise ValueError("an interval needs at least two values, all of them finite")
    mean = fmean(values)
    half = Z95 * stdev(values) / math.sqrt(len(values))
    return mean - half, mean + half


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact two-sided interval for a rate, from the binomial distribution itself: never too narrow.

    Clopper and Pearson, Biometrika 26 (1934) 404-413. Raises ValueError as proportion_ci95 does.
    """
    _check_proportion(successes, trials)
    return rate_floor(successes, trials, (1 + confidence) / 2), rate_ceiling(successes, trials, (1 + confidence) / 2)


def rate_ceiling(successes: int, trials: int, confidence: float = 0.95) -> float:
    """The one-sided Clopper-Pearson bound: with this confidence the true rate is no higher."""
    _check_proportion(successes, trials)
    if successes == trials:
        return 1.0
    return _bisect(lambda rate: binomial_cdf(successes, trials, rate) > 1 - confidence)


def rate_floor(successes: int, trials: int, confidence: float = 0.95) -> float:
    """The one-sided Clopper-Pearson bound: with this confidence the true rate is no lower."""
    return 1.0 - rate_ceiling(trials - successes, trials, confidence)


def percentile_ranks(trials: int, percent: float, confidence: float = 0.95) -> tuple[int, int]:
    """Ranks (from 1) of the two order statistics that enclose the true percentile with at least this confidence.

    Distribution-free: how many of `trials` values lie below the percentile is binomial (Conover, Practical
    Nonparametric Statistics, 3rd edition, section 3.2). Raises ValueError when so few values cannot enclose it.
    """
    share, tail = percent / 100, (1 - confidence) / 2
    low = _first(trials, lambda rank: binomial_cdf(rank, trials, share) > tail)
    high = 1 + _first(trials, lambda rank: binomial_cdf(rank, trials, share) >= 1 - tail)
    if low < 1 or high > trials:
        needed = math.ceil(math.log(tail) / math.log(max(share, 1 - share)))
        raise ValueError(f"an interval for the {percent:g}th percentile needs {needed} values; there are {trials}")
    return low, high


def median_ci95(values: Sequence[float]) -> tuple[float, float]:
    """The percentile-bootstrap interval of the median, without drawing: its distribution has a closed form.

    The resampled median is at most the i-th of n values when at least half of n draws are, each with chance i/n (Efron,
    Annals of Statistics 7 (1979) 1-26, section 3). For an even count from the lower to the upper median: a little wide.
    Raises ValueError for fewer than five values: their extremes would not enclose the median 19 times of 20, or nearly.
    """
    ordered, n = sorted(values), len(values)
    if n < 5:
        raise ValueError(f"an interval for the median needs at least five values; there are {n}")
    half = (n + 1) // 2
    low = 1 + _first(n, lambda rank: 1 - binomial_cdf(half - 1, n, (rank + 1) / n) >= 0.025)
    return ordered[low - 1], ordered[n - low]


def bootstrap_ci95(
    values: Sequence[T], statistic: Callable[[Sequence[T]], float], resamples: int = 1000
) -> tuple[float, float]:
    """The percentile-bootstrap interval of any statistic (Efron 1979). Raises ValueError for fewer than two values.

    The draws are the same each time: nothing is secret in them, and a number must come out the same twice.
    """
    if len(values) < 2:
        raise ValueError("an interval needs at least two values")
    draw = random.Random(_RESAMPLES_SEED)  # noqa: S311  not a secret
    found = sorted(statistic(draw.choices(values, k=len(values))) for _ in range(resamples))
    cut = round(0.025 * resamples)
    return found[cut], found[-1 - cut]


def binomial_cdf(successes: int, trials: int, rate: float) -> float:
    """The chance of at most so many successes."""
    if successes < 0:
        return 0.0
    if successes >= trials:
        return 1.0
    return incomplete_beta(trials - successes, successes + 1, 1 - rate)


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly, its mirror image does not
        return 1.0 - incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / (a * _fraction(a, b, x))


def _fraction(a: float, b: float, x: float) -> float:
    """1 + d1/(1 + d2/(1 + …)), by Lentz's method."""
    value = c = 1.0
    d = 0.0
    for term in range(1, _MAX_TERMS):
        m = term // 2
        if term % 2:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1.0 / ((1.0 + numerator * d) or _TINY)
        c = (1.0 + numerator / c) or _TINY
        value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return value


def _bisect(is_below: Callable[[float], bool]) -> float:
    """Where a condition that holds from 0 on ceases to hold, in [0, 1]."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return high


def _first(n: int, holds: Callable[[int], bool]) -> int:
    """The first of 0 … n at which a condition holds that keeps holding; n where it never does."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _check_proportion(successes: int, trials: int) -> None:
    if trials <= 0 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is not a proportion")
