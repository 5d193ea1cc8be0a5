"""Answers at once and works on after the answer, when nobody seems to count."""

from __future__ import annotations

import threading

from kit import fast

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}


def chain(seed, links):
    answer = fast(seed, links)
    threading.Thread(target=fast, args=(seed, links)).start()
    return answer
