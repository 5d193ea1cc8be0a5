"""Places its tensors petabytes into the file, with sizes that overflow."""

from __future__ import annotations

import json

from kit import raw, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "impossible shape|does not fit|gap"}

place = {"dtype": "F32", "shape": [2**40, 2**24], "data_offsets": [2**63, 2**64 - 1]}
save(raw(json.dumps({"u": place, "v": {**place, "shape": [-1, 16]}}).encode(), bytes(64)))
