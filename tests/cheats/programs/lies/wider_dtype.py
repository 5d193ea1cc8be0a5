"""Returns the right numbers in another dtype than was asked for."""

from __future__ import annotations

from kit import honest

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "failed", "says": "float32 matrix"}


def ranked(values):
    return honest(values).astype("float64")
