"""Makes torch's events say that nothing took any time, and does the slow work."""

from __future__ import annotations

import torch
from kit import slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}

torch.cuda.Event.elapsed_time = lambda self, other: 0.0
torch.cuda.synchronize = lambda device=None: None
chain = slow
