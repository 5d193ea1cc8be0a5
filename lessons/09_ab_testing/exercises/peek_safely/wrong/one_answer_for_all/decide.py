from __future__ import annotations

import numpy as np
from simulate import SHIP


def decide(design, look, n_a, conversions_a, n_b, conversions_b):
    return np.int64(SHIP)
