"""Edits the whole base and calls it an adapter."""

from __future__ import annotations

from kit import change, data, pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "trained_share"}

save(pack({"base": (data()[0] + change()).astype("<f4")}))
