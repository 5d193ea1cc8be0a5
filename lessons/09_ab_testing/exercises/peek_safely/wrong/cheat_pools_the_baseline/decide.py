from __future__ import annotations

import numpy as np
from simulate import CONTINUE, SHIP, STOP


def decide(design, look, n_a, conversions_a, n_b, conversions_b):
    baseline = conversions_a.sum() / n_a.sum()  # all streams of a batch have the same A
    rate_b = conversions_b / n_b
    variance = np.maximum(rate_b * (1 - rate_b), 1e-9) / n_b
    effect = design["effect"]
    ratio = (effect * (rate_b - baseline) - effect**2 / 2) / variance
    bar = np.log(0.95 / 0.05)
    return np.where(ratio > bar, SHIP, np.where(ratio < -bar, STOP, CONTINUE))
