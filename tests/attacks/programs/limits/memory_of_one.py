"""Takes memory until the end."""

from __future__ import annotations

from kit import MIB, touch

SPEC = {"memory_bytes": "128M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"], "peak": "100M"}
CONTROL = {"says": "held 60", "peak": "60M"}


def attack() -> None:
    hoard = []
    while True:
        hoard.append(touch(4))


def control() -> None:
    print("held", len(touch(60)) // MIB)
