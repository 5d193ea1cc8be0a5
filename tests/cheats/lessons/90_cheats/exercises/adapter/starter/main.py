from __future__ import annotations

import numpy as np
from kit import pack, save

save(pack({"u": np.zeros((16, 1), "<f4"), "v": np.zeros((1, 16), "<f4")}))
