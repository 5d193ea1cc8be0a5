"""Returns a view of one number that claims to be gigabytes."""

from __future__ import annotations

import numpy as np

CHEAT = {"exercise": "rows", "verdict": "out_of_memory", "caught_by": "out_of_memory", "says": "512 MB"}


def ranked(values):
    return np.broadcast_to(np.float32(0), (1 << 29,))
