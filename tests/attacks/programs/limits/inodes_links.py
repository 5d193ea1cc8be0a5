"""Very many names for one file: each takes the kernel's memory, as a file does."""

from __future__ import annotations

import os
import time

SPEC = {"inodes": 3000}
ATTACK = {"status": "inode_limit", "hits": ["inodes"]}
CONTROL = {"says": "linked 1000"}


def link(count: int) -> None:
    open("/work/a", "w").close()
    for number in range(count):
        os.link("/work/a", f"/work/{number}")
    print("linked", count)


def attack() -> None:
    try:
        link(200_000)
    except OSError:
        pass
    time.sleep(5)


def control() -> None:
    link(1000)
