"""Ignores and blocks every signal that can be."""

from __future__ import annotations

import signal
import time

SPEC = {"wall_s": 0.8}
ATTACK = {"status": "wall_limit", "hits": ["wall"], "wall_s": 3.0}
CONTROL = {"says": "heard"}


def attack() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(60)


def control() -> None:
    signal.signal(signal.SIGTERM, lambda *_: print("heard"))
    signal.raise_signal(signal.SIGTERM)
