"""Names a tensor so that the message about it cannot be written."""

from __future__ import annotations

from kit import raw, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "does not fit"}

save(raw(b'{"\\ud800\\u0000":{"dtype":"F32","shape":[99],"data_offsets":[0,64]}}', bytes(64)))
