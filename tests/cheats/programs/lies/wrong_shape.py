"""Returns a single row for the judge to broadcast."""

from __future__ import annotations

from kit import honest

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "failed", "says": "float32 matrix"}


def ranked(values):
    return honest(values)[:1]
