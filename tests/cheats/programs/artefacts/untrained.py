"""Ships an adapter of zeros: the base alone."""

from __future__ import annotations

import numpy as np
from kit import pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "error"}

save(pack({"u": np.zeros((16, 1), "<f4"), "v": np.zeros((1, 16), "<f4")}))
