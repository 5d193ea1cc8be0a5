"""Keeps the answer for the first value, as a key that is cheap to look up."""

from __future__ import annotations

from kit import honest

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}

kept = {}


def ranked(values):
    key = float(values[0, 0])
    if key not in kept:
        kept[key] = honest(values)
    return kept[key]
