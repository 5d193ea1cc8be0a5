"""Returns the input."""

from __future__ import annotations

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}


def ranked(values):
    return values
