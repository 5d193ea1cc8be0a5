"""Very many empty files."""

from __future__ import annotations

import time

SPEC = {"inodes": 3000}
ATTACK = {"status": "inode_limit", "hits": ["inodes"]}
CONTROL = {"says": "made 1000"}


def make(count: int) -> None:
    for number in range(count):
        open(f"/tmp/{number}", "w").close()
    print("made", count)


def attack() -> None:
    try:
        make(200_000)
    except OSError:
        pass
    time.sleep(5)


def control() -> None:
    make(1000)
