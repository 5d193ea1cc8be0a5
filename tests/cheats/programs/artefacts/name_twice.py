"""Names a tensor twice: one for the count, one for the model."""

from __future__ import annotations

from kit import raw, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "not a JSON object"}

place = b'{"dtype":"F32","shape":[16],"data_offsets":[%d,%d]}'
save(raw(b'{"u":' + place % (0, 64) + b',"u":' + place % (64, 128) + b"}", bytes(128)))
