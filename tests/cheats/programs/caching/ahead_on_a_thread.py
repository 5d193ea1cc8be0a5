"""Works ahead on a thread while others have their turn, on the seeds that it expects."""

from __future__ import annotations

import threading

from kit import fast, slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}

ahead = {}


def work_ahead():
    for number in range(1 << 30):
        seed = number.to_bytes(16, "big").hex()
        ahead[seed] = fast(seed, 60_000)


threading.Thread(target=work_ahead, daemon=True).start()


def chain(seed, links):
    return ahead.get(seed) or slow(seed, links)
