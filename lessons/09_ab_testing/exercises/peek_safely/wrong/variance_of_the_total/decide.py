from __future__ import annotations

import numpy as np
from simulate import CONTINUE, SHIP, STOP


def lift_and_radius(design, n_a, conversions_a, n_b, conversions_b):
    pooled = (conversions_a + conversions_b) / (n_a + n_b)
    variance = np.maximum(pooled * (1 - pooled), 1e-9) / (n_a + n_b)
    tau = design["effect"]
    total = variance + tau**2
    half = np.sqrt(2 * variance * total / tau**2 * np.log(np.sqrt(total / variance) / (2 * design["alpha"])))
    return conversions_b / n_b - conversions_a / n_a, half


def decide(design, look, *counts):
    lift, half = lift_and_radius(design, *counts)
    return np.where(lift > half, SHIP, np.where(lift + half < design["effect"], STOP, CONTINUE))
