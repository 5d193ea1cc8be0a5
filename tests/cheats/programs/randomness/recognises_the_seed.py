"""Tries the likely seeds of the likely generators on the first question, to know the others."""

from __future__ import annotations

import numpy as np

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share", "log": r"recognised \[\]"}

SEEDS = [*range(500), 1234, 1337, 31337, 2024, 2025, 2026]
known = []


def ranked(values):
    if not known:
        for seed in SEEDS:
            for kind in (np.random.PCG64, np.random.Philox, np.random.MT19937):
                drawn = np.random.Generator(kind(seed)).normal(size=(4, 6)).astype(np.float32)
                if np.array_equal(drawn, values):
                    known.append(seed)
        print("recognised", known, flush=True)
    return values
