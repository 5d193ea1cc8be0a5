from __future__ import annotations

import numpy as np
from simulate import CONTINUE, SHIP, STOP


def z_score(n_a, conversions_a, n_b, conversions_b):
    pooled = (conversions_a + conversions_b) / (n_a + n_b)
    variance = np.maximum(pooled * (1 - pooled), 1e-9) * (1 / n_a + 1 / n_b)
    return (conversions_b / n_b - conversions_a / n_a) / np.sqrt(variance)


def decide(design, look, n_a, conversions_a, n_b, conversions_b):
    z = z_score(n_a, conversions_a, n_b, conversions_b)
    verdict = np.where(z > 1.645, SHIP, STOP)
    return np.where(n_a + n_b >= 2 * design["fixed_n"], verdict, CONTINUE)
