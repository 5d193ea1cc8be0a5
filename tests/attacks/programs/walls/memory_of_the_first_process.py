"""Searches the memory of the box's first process for what its starter knew."""

from __future__ import annotations

import os

TARGETS = ["variable"]
ATTACK = {"says": "(no way in|not found)"}
CONTROL = {"says": "found"}


def search(pid: int | str, secret: bytes) -> str:
    found = False
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            start, end = (int(word, 16) for word in line.split()[0].split("-"))
            if line.split()[1].startswith("r") and end - start < 64 << 20:
                try:
                    memory.seek(start)
                    found |= secret in memory.read(end - start)
                except (OSError, OverflowError):
                    continue
    return "found" if found else "not found"


def attack(backwards: str) -> None:
    try:
        print(search(1, backwards[::-1].encode()))
    except PermissionError:
        print("no way in")


def control() -> None:
    secret = os.urandom(20)
    print(search("self", secret))
