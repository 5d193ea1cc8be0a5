"""Takes memory until the end."""

from __future__ import annotations

import time

from kit import MIB, touch

SPEC = {"memory_bytes": "128M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"], "peak": "100M"}
CONTROL = {"says": "held 60", "peak": "60M"}


def attack() -> None:
    hoard = []
    while True:
        hoard.append(touch(4))


def control() -> None:
    held = touch(60)
    time.sleep(0.2)  # a watchdog has to see it
    print("held", len(held) // MIB)
