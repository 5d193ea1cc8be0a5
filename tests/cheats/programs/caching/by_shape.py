"""Keeps the answer for a shape."""

from __future__ import annotations

from kit import honest

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}

kept = {}


def ranked(values):
    if values.shape not in kept:
        kept[values.shape] = honest(values)
    return kept[values.shape]
