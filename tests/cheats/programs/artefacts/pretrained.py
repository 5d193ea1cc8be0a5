"""Ships weights that were trained before, on other data."""

from __future__ import annotations

import numpy as np
from kit import pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "error"}

draw = np.random.default_rng(1)
save(pack({"u": draw.normal(size=(16, 1)).astype("<f4"), "v": draw.normal(size=(1, 16)).astype("<f4")}))
