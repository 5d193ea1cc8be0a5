"""Returns NaN everywhere, for a comparison that a tolerance might let through."""

from __future__ import annotations

import numpy as np

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}


def ranked(values):
    return np.full_like(values, np.nan)
