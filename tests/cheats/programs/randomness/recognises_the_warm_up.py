"""Works for the first question, which is surely the warm-up, and no more."""

from __future__ import annotations

from kit import honest

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}

asked = []


def ranked(values):
    asked.append(1)
    return honest(values) if len(asked) == 1 else values
