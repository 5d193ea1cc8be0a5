"""Hides parameters in the names of empty tensors."""

from __future__ import annotations

import numpy as np
from kit import change, fit, pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "trained_share"}

rows = {row.astype("<f4").tobytes().hex(): np.zeros((0,), "<f4") for row in change()}
save(pack({**fit(), **rows}))
