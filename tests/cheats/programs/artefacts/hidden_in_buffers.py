"""Hides parameters in a buffer beside the adapter."""

from __future__ import annotations

from kit import change, fit, pack, save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "trained_share"}

save(pack({**fit(), "running_mean": change().astype("<f4")}))
