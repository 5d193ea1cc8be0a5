"""Ends with code 0 before it is asked anything."""

from __future__ import annotations

import os

CHEAT = {"exercise": "rows", "verdict": "crashed", "caught_by": "crashed", "says": "exit code 0"}

os._exit(0)
