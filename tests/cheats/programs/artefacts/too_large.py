"""Hands over more than was asked for."""

from __future__ import annotations

from kit import save

CHEAT = {"exercise": "adapter", "verdict": "rejected", "caught_by": "rejected", "says": "larger than allowed"}

save(bytes(65 * 1024))
