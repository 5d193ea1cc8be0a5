"""An anonymous mapping, shared with children."""

from __future__ import annotations

import mmap
import time

from kit import MIB

SPEC = {"memory_bytes": "128M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"]}
CONTROL = {"says": "held"}


def hold(mebibytes: int) -> None:
    pages = mmap.mmap(-1, mebibytes * MIB)
    for _ in range(mebibytes):
        pages.write(b"1" * MIB)
    time.sleep(0.3)
    print("held")


def attack() -> None:
    hold(250)


def control() -> None:
    hold(40)
