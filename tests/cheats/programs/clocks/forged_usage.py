"""Makes its process say that it used no CPU time."""

from __future__ import annotations

import resource
import time

from kit import slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}

resource.getrusage = lambda who: resource.struct_rusage((0.0,) * 16)
time.process_time = lambda: 0.0
chain = slow
