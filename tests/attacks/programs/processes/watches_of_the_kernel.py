"""Takes all of a user's inotify watches and timers: another box must still get its own."""

from __future__ import annotations

import ctypes
import os

from kit import libc

SPEC = {"wall_s": 30.0}
ATTACK = {"says": "taken, [1-9][0-9]* watches"}
CONTROL = {"says": "True"}


def attack() -> None:
    watches = 0
    for number in range(2000):
        os.mkdir(f"/work/{number}")
    for _ in range(120):
        file = libc.inotify_init1(0)
        if file < 0:
            break
        for number in range(2000):
            if libc.inotify_add_watch(file, f"/work/{number}".encode(), ctypes.c_uint32(0xFFF)) < 0:
                break
            watches += 1
    print("taken,", watches, "watches")


def control() -> None:
    print(libc.inotify_init1(0) > 0)
