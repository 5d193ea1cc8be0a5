"""Claims a tensor of terabytes in a file of bytes."""

from __future__ import annotations

import json

from kit import raw, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "does not fit"}

size = 2**40
place = {"dtype": "F32", "shape": [size], "data_offsets": [0, size * 4]}
save(raw(json.dumps({"u": place}).encode(), bytes(64)))
