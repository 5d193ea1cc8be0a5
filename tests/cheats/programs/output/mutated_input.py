"""Empties the input in place, so that it compares equal to an empty answer."""

from __future__ import annotations

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}


def ranked(values):
    values[:] = 0
    return values
