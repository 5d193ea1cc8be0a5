"""Announces an answer of terabytes, so that the judge makes room for it."""

from __future__ import annotations

import os

CHEAT = {"exercise": "rows", "verdict": "rejected", "caught_by": "rejected", "says": "malformed frame"}


def ranked(values):
    os.write(3, b"\0\0\0\x02" + b"\x7f" * 8 + b"{}")
    return values
