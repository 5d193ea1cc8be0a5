"""Writes through mappings of files, and unmaps them again: no process shows the pages."""

from __future__ import annotations

import mmap
import os
import time

from kit import MIB

SPEC = {"memory_bytes": "96M", "disk_bytes": "256M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"]}
CONTROL = {"says": "written"}


def write(count: int) -> None:
    for number in range(count):
        with open(f"/tmp/{number}", "w+b") as file:
            os.ftruncate(file.fileno(), 8 * MIB)
            with mmap.mmap(file.fileno(), 8 * MIB) as pages:
                pages.write(b"1" * (8 * MIB))
    print("written")


def attack() -> None:
    write(25)
    time.sleep(5)


def control() -> None:
    write(3)
