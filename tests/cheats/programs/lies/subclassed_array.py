"""Returns an array whose own methods say other bytes than it has."""

from __future__ import annotations

import numpy as np

CHEAT = {"exercise": "rows", "verdict": "rejected", "caught_by": "rejected", "says": "malformed"}


class Liar(np.ndarray):
    def tobytes(self, order="C"):
        return super().tobytes(order) + b"passed"

    def astype(self, *_, **__):
        return self


def ranked(values):
    return values.view(Liar)
