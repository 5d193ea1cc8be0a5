"""Ships NaN, which is no worse than any bar."""

from __future__ import annotations

import numpy as np
from kit import fit, pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "not finite"}

save(pack({**fit(), "u": np.full((16, 1), np.nan, "<f4")}))
