"""Hidden experiments, to try your `decide` on: `python decide.py` uses it. Read it, but a submission cannot change it.

The judge draws its own experiments, with other rates and other seeds, from the same kind of world.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

CONTINUE, SHIP, STOP = 0, 1, -1
LOOKS = 40
WORLDS = {"null": 0.0, "design": 1.0, "big": 2.0, "harm": -1.0}  # true lift of B, in units of the design effect

Decide = Callable[..., np.ndarray]


def fixed_sample_size(baseline: float, effect: float, alpha: float = 0.05, power: float = 0.95) -> int:
    """Visitors per arm that a one-sided test with one single look would need."""
    z = NormalDist().inv_cdf(1 - alpha) + NormalDist().inv_cdf(power)
    treated = baseline + effect
    variance = baseline * (1 - baseline) + treated * (1 - treated)
    return int(np.ceil(z**2 * variance / effect**2))


def make_design(baseline: float = 0.12, effect: float = 0.015) -> dict[str, float | int]:
    """What `decide` gets as its first argument."""
    fixed = fixed_sample_size(baseline, effect)
    return {
        "alpha": 0.05,  # the chance that you may ship a change that does nothing
        "power": 0.95,  # of the fixed design, when the true lift is `effect`
        "baseline": baseline,  # planned conversion rate of A; the true one is a few percent off
        "effect": effect,  # the smallest lift of the conversion rate that is worth shipping
        "fixed_n": fixed,  # visitors per arm of the fixed design
        "max_n": round(1.6 * fixed),  # visitors per arm when everything ends, after the last look
        "looks": LOOKS,
    }


def draw_counts(rng: np.random.Generator, max_n: int, rate_a: float, rate_b: float, streams: int) -> np.ndarray:
    """Cumulative counts, shape (looks, 4, streams): visitors and conversions of A, then of B."""
    weights = rng.uniform(0.6, 1.4, LOOKS)
    visitors = rng.multinomial(2 * max_n, weights / weights.sum())
    n_a = rng.binomial(visitors[:, None], 0.5, (LOOKS, streams))
    n_b = visitors[:, None] - n_a
    steps = [n_a, rng.binomial(n_a, rate_a), n_b, rng.binomial(n_b, rate_b)]
    return np.cumsum(np.stack(steps, axis=1), axis=0)


def run_world(decide: Decide, design: dict[str, float | int], counts: np.ndarray) -> tuple[float, float]:
    """Share of streams shipped, and mean share of the fixed design's visitors used."""
    streams = counts.shape[2]
    shipped, used = np.zeros(streams, dtype=bool), np.zeros(streams)
    running = np.arange(streams)
    for look in range(LOOKS):
        now = counts[look][:, running]
        used[running] = (now[0] + now[2]) / (2 * design["fixed_n"])
        answers = np.asarray(decide(design, look + 1, *now))
        shipped[running[answers == SHIP]] = True
        running = running[answers == CONTINUE]
        if not len(running):
            break
    return float(shipped.mean()), float(used.mean())


def try_it(decide: Decide, seed: int = 1, streams: int = 1000) -> None:
    """Print what the judge will measure, on streams of your own."""
    rng = np.random.default_rng(seed)
    design = make_design()
    shipped, shares = {}, []
    for world, lift in WORLDS.items():
        rate_b = design["baseline"] + lift * design["effect"]
        counts = draw_counts(rng, int(design["max_n"]), design["baseline"], rate_b, streams)
        shipped[world], share = run_world(decide, design, counts)
        shares.append(share)
        print(f"{world:7s} lift {lift:+.0f} x effect: shipped {shipped[world]:6.1%}, visitors used {share:5.0%} of fixed")
    print(f"false_positive_rate {shipped['null']:.3f}   power {shipped['design']:.3f}")
    print(f"mean_sample_share   {np.mean(shares):.3f}   harmful changes shipped {shipped['harm']:.3f}")
