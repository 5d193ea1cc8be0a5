"""A test that may be looked at forty times. Make `decide` safe to peek with.

Run this file (`python decide.py`) to see what the judge would measure.
"""

from __future__ import annotations

import numpy as np
from simulate import CONTINUE, SHIP, STOP, try_it


def decide(design, look, n_a, conversions_a, n_b, conversions_b):
    """Decide, for each stream on its own, what to do after this look.

    design: dict with alpha, power, baseline, effect, fixed_n, max_n, looks (see simulate.make_design).
    look: number of this look, 1 to design["looks"].
    n_a, conversions_a, n_b, conversions_b: integer arrays with one entry per stream, counted since the start.
    Returns an integer array of the same length: CONTINUE, SHIP (B is better) or STOP (keep A).
    """
    rate_a = conversions_a / n_a
    rate_b = conversions_b / n_b
    pooled = (conversions_a + conversions_b) / (n_a + n_b)
    variance = pooled * (1 - pooled) * (1 / n_a + 1 / n_b)
    z = (rate_b - rate_a) / np.sqrt(np.maximum(variance, 1e-12))

    # One look at z > 1.645 ships a useless change 5 % of the time. How often do forty looks ship one?
    return np.where(z > 1.645, SHIP, CONTINUE)


if __name__ == "__main__":
    try_it(decide)
