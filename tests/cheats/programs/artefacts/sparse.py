"""Hands over a file of holes."""

from __future__ import annotations

import os

from kit import OUT

CHEAT = {"exercise": "adapter", "verdict": "rejected", "caught_by": "rejected", "says": "has holes"}

with open(OUT, "wb"):
    os.truncate(OUT, 60_000)
