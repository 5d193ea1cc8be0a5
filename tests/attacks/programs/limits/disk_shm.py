"""Fills /dev/shm."""

from __future__ import annotations

import time

from kit import fill

SPEC = {"shm_bytes": "8M"}
ATTACK = {"hits": ["disk"], "says": "ENOSPC"}
CONTROL = {"says": "done"}


def attack() -> None:
    print(fill("/dev/shm/a", 9))
    time.sleep(0.2)  # until somebody looks


def control() -> None:
    print(fill("/dev/shm/a", 6))
