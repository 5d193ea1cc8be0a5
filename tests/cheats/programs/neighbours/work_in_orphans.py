"""Hides the slow work in orphans, whose time no parent is billed."""

from __future__ import annotations

import os

from kit import fast

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}


def chain(seed, links):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            fast(seed, links)
        os._exit(0)
    os.wait()
    return fast(seed, links)
