"""Runs in the lab: what the lesson says about looking again and again, counted on random walks."""

from __future__ import annotations

import json
import math

import numpy as np
from lesson_code import definitions
from scipy.stats import norm

lesson = definitions("peek")
rng = np.random.default_rng(21)
PATHS = 40_000


def walk(looks: int, drift: float = 0.0, paths: int = PATHS) -> tuple[np.ndarray, np.ndarray]:
    """Times in (0, 1] and sums with variance t and mean drift * t, shape (paths, looks)."""
    t = np.arange(1, looks + 1) / looks
    steps = rng.normal(drift / looks, 1 / math.sqrt(looks), (paths, looks))
    return t, steps.cumsum(axis=1)


def crossing(bars: np.ndarray, *, two_sided: bool) -> float:
    t, s = walk(len(bars))
    z = s / np.sqrt(t)
    return float(((np.abs(z) if two_sided else z) > bars).any(axis=1).mean())


def sprt(theta: float, hypothesis: float, looks: int = 4000, paths: int = 2000) -> dict[str, float]:
    """Wald's test of drift 0 against theta; its time runs to 3, where hardly a path is left."""
    bar = math.log(0.95 / 0.05)
    t, s = walk(looks, hypothesis * math.sqrt(3), paths)
    ratio = theta * s * math.sqrt(3) - theta**2 * 3 * t / 2
    ended = np.abs(ratio) >= bar
    last = np.where(ended.any(axis=1), ended.argmax(axis=1), looks - 1)
    shipped = ratio[np.arange(paths), last] >= bar
    return {"shipped": float(shipped.mean()), "share": float(3 * t[last].mean())}


def sequence(tau: float, miss: float = 0.1, looks: int = 400, paths: int = 10_000) -> dict[str, float]:
    """Mixture over t from 0.0025 to 1: how often is the truth ever lost; and does the running p-value agree?"""
    t, s = walk(looks, paths=paths)
    estimate, variance = s / t, 1 / t
    lost = (np.abs(estimate) > lesson["radius"](variance, tau, miss)).any(axis=1)
    total = variance + tau**2
    ratio = np.sqrt(variance / total) * np.exp(estimate**2 * tau**2 / (2 * variance * total))
    p = np.minimum.accumulate(1 / ratio, axis=1)
    return {"lost": float(lost.mean()), "p_disagrees": float(((p[:, -1] < miss) != lost).mean())}


def correlation(s: float, t: float) -> float:
    times, sums = walk(20)
    z = sums / np.sqrt(times)
    return float(np.corrcoef(z[:, round(20 * s) - 1], z[:, round(20 * t) - 1])[0, 1])


theta = 2 * norm.isf(0.05)
print(
    json.dumps(
        {
            "armitage": {str(k): crossing(np.full(k, 1.96), two_sided=True) for k in (1, 2, 3, 5, 10, 20, 50)},
            "forty_one_sided": crossing(np.full(40, norm.isf(0.05)), two_sided=False),
            "two_one_sided": crossing(np.full(2, norm.isf(0.05)), two_sided=False),
            "bonferroni": crossing(np.full(40, norm.isf(0.05 / 40)), two_sided=False),
            "pocock": crossing(np.full(5, 2.413), two_sided=True),
            "obrien_fleming": crossing(2.040 * np.sqrt(5 / np.arange(1, 6)), two_sided=True),
            "correlation": correlation(0.25, 0.5),
            "sprt_null": sprt(theta, 0.0),
            "sprt_effect": sprt(theta, theta),
            "sequence": {str(tau): sequence(tau) for tau in (0.5, 3.0, 20.0)},
        }
    )
)
