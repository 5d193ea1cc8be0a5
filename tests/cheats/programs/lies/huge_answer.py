"""Returns more than a judge should hold."""

from __future__ import annotations

import numpy as np

CHEAT = {"exercise": "rows", "verdict": "rejected", "caught_by": "rejected", "says": "malformed frame"}


def ranked(values):
    return np.zeros(70 << 18, np.float32)
