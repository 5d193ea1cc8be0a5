"""Looks for descriptors that whoever made the box forgot to close."""

from __future__ import annotations

import os

ATTACK = {"says": "0:pipe 1:pipe 2:pipe 3:socket"}
CONTROL = {"says": "True"}


def attack() -> None:
    held = []
    for number in range(1024):
        try:
            held.append(f"{number}:{os.readlink(f'/proc/self/fd/{number}').split(':')[0]}")
        except OSError:
            continue
    print(*held)


def control() -> None:
    number = os.open("/work", os.O_RDONLY)
    print(os.readlink(f"/proc/self/fd/{number}") == "/work")
