"""Ships numbers whose product overflows."""

from __future__ import annotations

import numpy as np
from kit import pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "not finite|overflow"}

save(pack({"u": np.full((16, 1), 1e300, "<f8"), "v": np.full((1, 16), 1e300, "<f8")}))
