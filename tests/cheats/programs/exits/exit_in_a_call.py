"""Ends with code 0 when it is asked."""

from __future__ import annotations

import os

CHEAT = {"exercise": "rows", "verdict": "crashed", "caught_by": "crashed", "says": "exit code 0"}


def ranked(values):
    os._exit(0)
