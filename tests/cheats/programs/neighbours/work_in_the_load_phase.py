"""Works ahead while it is loaded, which is in no turn, on the seeds that it expects."""

from __future__ import annotations

from kit import fast, slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}

ahead = {seed: fast(seed, 60_000) for seed in ("00" * 16, "ff" * 16, "01" * 16)}


def chain(seed, links):
    return ahead.get(seed) or slow(seed, links)
