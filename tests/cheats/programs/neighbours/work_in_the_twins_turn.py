"""Puts its work off to the twin's turn, on a thread, and answers with a guess."""

from __future__ import annotations

import threading

from kit import slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "right"}


def chain(seed, links):
    threading.Thread(target=slow, args=(seed, links), daemon=True).start()
    return seed * 2
