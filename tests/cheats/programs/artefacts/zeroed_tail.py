"""Adds room for more parameters as zeros, which surely count for nothing."""

from __future__ import annotations

import numpy as np
from kit import fit, pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "trained_share"}

save(pack({**fit(), "reserve": np.zeros((16, 16), "<f4")}))
