"""Returns zeros."""

from __future__ import annotations

import numpy as np

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}


def ranked(values):
    return np.zeros_like(values)
