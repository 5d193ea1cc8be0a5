"""Returns memory as it finds it, in which an answer may have been left."""

from __future__ import annotations

import numpy as np

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}


def ranked(values):
    np.sort(values[:0], axis=1)
    return np.empty_like(values)
