"""Runs in the lab: every formula of the lesson beside a brute-force value of the same thing."""

from __future__ import annotations

import json
import math

import numpy as np
from lesson_code import definitions
from scipy.integrate import quad
from scipy.stats import binom, chi2, multivariate_normal, norm

lesson = definitions("peek")
rng = np.random.default_rng(20)
radius, sample_size = lesson["radius"], lesson["fixed_sample_size"]


def exact_power(n: int, p_a: float, p_b: float, bar: float) -> float:
    """P(z > bar) for two binomial counts, summed over A's outcomes with the exact distribution of B's."""
    a = np.arange(n + 1)
    weight = binom.pmf(a, n, p_a)
    spread = math.sqrt((p_a * (1 - p_a) + p_b * (1 - p_b)) / n)
    return float((weight * binom.sf(np.floor(a + bar * spread * n), n, p_b)).sum())


def sizes() -> dict[str, float]:
    n = sample_size(0.12, 0.015)
    return {
        "worked": n,
        "half_effect": sample_size(0.12, 0.0075),
        "power_80": sample_size(0.12, 0.015, power=0.80),
        "quiz": sample_size(0.10, 0.02, power=0.80),
        "power": exact_power(n, 0.12, 0.135, norm.isf(0.05)),
        "error": exact_power(n, 0.12, 0.12, norm.isf(0.05)),
    }


def mixture() -> dict[str, float]:
    v, tau, distance, miss = 0.3, 0.8, 0.9, 0.1
    integral = quad(lambda d: math.exp((d * distance - d * d / 2) / v) * norm.pdf(d, scale=tau), -20, 20)[0]
    closed = likelihood(v, tau, distance)
    return {
        "integral": integral,
        "closed": closed,
        "at_the_edge": likelihood(v, tau, float(radius(v, tau, miss))) * miss,
        "worked_radius": float(radius(1 / 10.822, 1.0, 0.10)),
        "worked_fixed": norm.isf(0.05) / math.sqrt(10.822),
    }


def likelihood(v: float, tau: float, distance: float) -> float:
    return math.sqrt(v / (v + tau**2)) * math.exp(tau**2 * distance**2 / (2 * v * (v + tau**2)))


def adjusted_variance(rho: float = 0.8, users: int = 200_000) -> float:
    x = rng.normal(size=users)
    y = rho * x + math.sqrt(1 - rho**2) * rng.normal(size=users)
    theta = np.cov(x, y)[0, 1] / x.var(ddof=1)
    return float((y - theta * (x - x.mean())).var() / y.var())


def design_effect(m: int = 10, rho: float = 0.3, users: int = 50, repeats: int = 20_000) -> dict[str, float]:
    """Requests share a user's part: the variance of the mean, over the naive one; and the naive test's errors."""
    user = math.sqrt(rho) * rng.normal(size=(repeats, users))
    noise = math.sqrt(1 - rho) * rng.normal(size=(repeats, users)) / math.sqrt(m)
    means = (user + noise).mean(axis=1)
    naive = 1 / (users * m)
    errors = (means > norm.isf(0.05) * math.sqrt(naive)).mean()
    return {"inflation": float(means.var() / naive), "errors": float(errors)}


def delta_method(users: int = 400, repeats: int = 20_000) -> dict[str, float]:
    """The variance of a ratio of means, by formula from the true moments and by drawing it."""
    x = 1 + rng.poisson(4, size=(repeats, users))
    y = rng.binomial(x, 0.3) + rng.poisson(0.5, size=(repeats, users))
    ratio = (0.3 * 5 + 0.5) / 5
    cov = 0.3 * 4
    var_y = 5 * 0.3 * 0.7 + 0.09 * 4 + 0.5
    formula = (var_y - 2 * ratio * cov + ratio**2 * 4) / (users * 25)
    return {"formula": formula, "drawn": float((y.mean(axis=1) / x.mean(axis=1)).var())}


def position_bias(win: float = 0.6, bias: float = 0.12, pairs: int = 400_000) -> dict[str, float]:
    first = (rng.random(pairs) < win + bias).mean()
    second = (rng.random(pairs) < win - bias).mean()
    return {"win": float((first + second) / 2), "bias": float((first - second) / 2)}


def ratio_test() -> dict[str, float]:
    fair = rng.binomial(100_000, 0.5, 200_000)
    p = lesson["ratio_p_value"](fair, 100_000 - fair)
    return {
        "worked": float(lesson["ratio_p_value"](50_800, 49_200)),
        "statistic": (50_800 - 49_200) ** 2 / 100_000,
        "quiz": float(lesson["ratio_p_value"](10_100, 9_900)),
        "by_hand": float(chi2.sf(25.6, 1)),
        "errors_at_1_percent": float((p < 0.01).mean()),
        "uneven": float(lesson["ratio_p_value"](9_000, 1_000, share_a=0.9)),
    }


def spending(alpha: float, t: float) -> dict[str, float]:
    """The two spending functions, one-sided."""
    return {
        "obrien_fleming": float(2 - 2 * norm.cdf(norm.isf(alpha / 2) / math.sqrt(t))),
        "pocock": alpha * math.log(1 + (math.e - 1) * t),
    }


two_looks = multivariate_normal([0, 0], [[1, math.sqrt(0.5)], [math.sqrt(0.5), 1]])
print(
    json.dumps(
        {
            "sizes": sizes(),
            "mixture": mixture(),
            "adjusted_variance": adjusted_variance(),
            "design_effect": design_effect(),
            "delta": delta_method(),
            "position": position_bias(),
            "ratio": ratio_test(),
            "two_looks": float(1 - two_looks.cdf([norm.isf(0.05)] * 2)),
            "spending_half": spending(0.025, 0.5),
            "spending_end": spending(0.05, 1.0),
        }
    )
)
