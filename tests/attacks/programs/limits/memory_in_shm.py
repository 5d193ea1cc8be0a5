"""Files in /dev/shm are memory."""

from __future__ import annotations

import time

from kit import fill

SPEC = {"memory_bytes": "96M", "shm_bytes": "256M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"]}
CONTROL = {"says": "done"}


def attack() -> None:
    print(fill("/dev/shm/a", 200))
    time.sleep(5)


def control() -> None:
    print(fill("/dev/shm/a", 20))
