"""Claims a header of two gigabytes."""

from __future__ import annotations

from kit import raw, save

CHEAT = {
    "exercise": "adapter",
    "verdict": "failed",
    "caught_by": "failed",
    "says": "header is too long",
}

save(raw(b"{}", b"", size=2 << 30))
