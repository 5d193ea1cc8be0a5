"""Locks all of its memory, so that none of it can be taken back."""

from __future__ import annotations

import ctypes

from kit import libc, touch

SPEC = {"memory_bytes": "128M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"]}
CONTROL = {"says": "[0-9-]+ 20"}


def attack() -> None:
    libc.mlockall(3)
    hoard = []
    while True:
        hoard.append(touch(4))
        libc.mlock((ctypes.c_char * 4096).from_buffer(hoard[-1]), 4096)


def control() -> None:
    kept = touch(20)
    print(libc.mlock((ctypes.c_char * 4096).from_buffer(kept), 4096), len(kept) >> 20)
