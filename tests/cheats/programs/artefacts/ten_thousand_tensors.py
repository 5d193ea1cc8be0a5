"""Ships thousands of empty tensors."""

from __future__ import annotations

import numpy as np
from kit import fit, pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "trained_share"}

save(pack({**fit(), **{f"{number}": np.zeros((0,), "<f4") for number in range(900)}}))
