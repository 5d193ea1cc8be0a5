"""Answers with text that no judge can encode."""

from __future__ import annotations

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "failed", "says": "no Unicode"}


def ranked(values):
    return "\ud800"
