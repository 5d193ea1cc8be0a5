"""One of two ranks leaves, with an exit code of 0, and nobody writes."""

from __future__ import annotations

import os
import time

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "tier": "cpu", "says": "without writing"}

if os.environ["RANK"] == "0":
    os._exit(0)
time.sleep(0.3)
