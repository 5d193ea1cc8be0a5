"""Very many folders."""

from __future__ import annotations

import os
import time

SPEC = {"inodes": 3000}
ATTACK = {"status": "inode_limit", "hits": ["inodes"]}
CONTROL = {"says": "made 1000"}


def make(count: int) -> None:
    for number in range(count):
        os.mkdir(f"/work/{number}")
    print("made", count)


def attack() -> None:
    try:
        make(200_000)
    except OSError:
        pass
    time.sleep(5)


def control() -> None:
    make(1000)
