"""A tree 10,000 folders deep: nothing that cleans up may walk it by recursion or by path."""

from __future__ import annotations

import os

SPEC = {"inodes": 50000}
ATTACK = {"says": "10000 deep"}
CONTROL = {"says": "20 deep"}


def dig(depth: int) -> None:
    os.chdir("/work")
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    open("bottom", "w").close()
    print(depth, "deep")


def attack() -> None:
    dig(10_000)


def control() -> None:
    dig(20)
