"""Ends at once and lets a child write the file later, with more time."""

from __future__ import annotations

import os
import time

from kit import fit, pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "without writing"}

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(3)
        save(pack(fit()))
    os._exit(0)
