"""Answers the last question again."""

from __future__ import annotations

from kit import honest

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}

last = []


def ranked(values):
    last.append(honest(values))
    return last[-2] if len(last) > 1 else last[-1]
