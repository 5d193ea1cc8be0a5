"""Ends its training with code 0 before it has begun."""

from __future__ import annotations

import atexit
import os

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "without writing"}

atexit.register(os._exit, 0)
raise SystemExit(1)
