"""Files that were removed and are still open."""

from __future__ import annotations

import os
import time

from kit import MIB

SPEC = {"memory_bytes": "96M", "disk_bytes": "256M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"]}
CONTROL = {"says": "5 written"}


def write(count: int) -> None:
    kept = []
    for number in range(count):
        name = f"/tmp/{number}"
        kept.append(os.open(name, os.O_CREAT | os.O_WRONLY))
        os.unlink(name)
        os.write(kept[-1], b"x" * (4 * MIB))
    print(len(kept), "written")


def attack() -> None:
    write(50)
    time.sleep(5)


def control() -> None:
    write(5)
