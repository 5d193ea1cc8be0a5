"""Lets both tensors lie on the same bytes, and the rest of the file belong to nobody."""

from __future__ import annotations

import json

from kit import raw, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "overlaps"}

u = {"dtype": "F32", "shape": [16, 1], "data_offsets": [0, 64]}
v = {"dtype": "F32", "shape": [1, 16], "data_offsets": [0, 64]}
save(raw(json.dumps({"u": u, "v": v}).encode(), bytes(64)))
