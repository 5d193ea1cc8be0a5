"""Returns an object that becomes whatever array it is compared with."""

from __future__ import annotations

import numpy as np

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "failed", "says": "cannot be graded"}


class Chameleon:
    shape, dtype = (4, 6), np.dtype("float32")

    def __array__(self, dtype=None, copy=None):
        return np.zeros((4, 6), np.float32)

    def __array_ufunc__(self, *_, **__):
        return True

    def __eq__(self, other):
        return np.ones((4, 6), bool)

    __hash__ = None


def ranked(values):
    return Chameleon()
