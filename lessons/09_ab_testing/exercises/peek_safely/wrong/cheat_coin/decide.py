from __future__ import annotations

import numpy as np
from simulate import SHIP, STOP


def decide(design, look, n_a, conversions_a, n_b, conversions_b):
    return np.random.default_rng().choice([SHIP, STOP], len(n_a))
