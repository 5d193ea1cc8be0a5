"""Packs two parameters in each number, as float64."""

from __future__ import annotations

from kit import fit, pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "trained_share"}

save(pack({name: array.astype("<f8") for name, array in fit().items()}))
