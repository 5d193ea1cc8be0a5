"""Works while nobody seems to hurry, and skips the work once questions come fast."""

from __future__ import annotations

import time

from kit import fast

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "right"}

began = time.perf_counter()
questions = []


def chain(seed, links):
    questions.append(time.perf_counter())
    if len(questions) > 2:
        return fast(seed, 1)
    return fast(seed, links)
