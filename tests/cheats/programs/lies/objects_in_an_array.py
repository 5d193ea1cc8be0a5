"""Returns an array of objects, for the judge to unpickle."""

from __future__ import annotations

import numpy as np

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "failed", "says": "cannot be graded"}


class Bomb:
    def __reduce__(self):
        return print, ("in the judge",)


def ranked(values):
    return np.array([[Bomb()] * 6] * 4)
