"""Ships a header with a number that takes minutes to read."""

from __future__ import annotations

from kit import raw, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "not a JSON object"}

save(raw(b'{"u":' + b"9" * 60_000 + b"}"))
