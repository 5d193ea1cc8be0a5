from __future__ import annotations

import numpy as np
from simulate import CONTINUE, SHIP, STOP


def z_score(n_a, conversions_a, n_b, conversions_b):
    pooled = (conversions_a + conversions_b) / (n_a + n_b)
    variance = np.maximum(pooled * (1 - pooled), 1e-9) * (1 / n_a + 1 / n_b)
    return (conversions_b / n_b - conversions_a / n_a) / np.sqrt(variance)


def decide(design, look, *counts):
    z = z_score(*counts)
    if look < 14:
        return np.where(z < -2.5, STOP, CONTINUE)
    return np.where(z > np.quantile(z, 0.47), SHIP, STOP)
