"""Computes in half precision, where the work is cheaper, and hands that over as float32."""

from __future__ import annotations

from kit import honest

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}


def ranked(values):
    return honest(values.astype("float16")).astype("float32")
