from __future__ import annotations

import numpy as np
from simulate import SHIP, STOP


def decide(design, look, n_a, conversions_a, n_b, conversions_b):
    place = np.arange(len(n_a)) / len(n_a)
    return np.where((place > 0.4) & (place < 0.9), SHIP, STOP)
