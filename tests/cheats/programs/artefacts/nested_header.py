"""Ships a header nested thirty thousand deep."""

from __future__ import annotations

from kit import raw, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "not a JSON object"}

save(raw(b'{"u":' + b"[" * 30_000 + b"]" * 30_000 + b"}"))
