"""Hides parameters behind the last tensor."""

from __future__ import annotations

from kit import change, fit, pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "belong to no tensor"}

save(pack(fit()) + change().astype("<f4").tobytes())
