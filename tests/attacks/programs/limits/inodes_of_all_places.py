"""Each place gets less than the limit, all together more."""

from __future__ import annotations

import time

SPEC = {"inodes": 3000}
ATTACK = {"status": "inode_limit", "hits": ["inodes"]}
CONTROL = {"says": "made"}


def make(count: int) -> None:
    for folder in ("/work", "/tmp", "/dev/shm"):
        for number in range(count):
            open(f"{folder}/{number}", "w").close()
    print("made")


def attack() -> None:
    try:
        make(1500)
    except OSError:
        pass
    time.sleep(5)


def control() -> None:
    make(300)
