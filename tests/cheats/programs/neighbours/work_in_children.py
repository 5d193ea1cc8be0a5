"""Hides the slow work in several short children, so that none of them was there long."""

from __future__ import annotations

import os

from kit import fast

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}


def chain(seed, links):
    for _ in range(3):
        if os.fork() == 0:
            fast(seed, links // 3)
            os._exit(0)
    answer = fast(seed, links)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return answer
