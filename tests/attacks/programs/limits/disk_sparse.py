"""A file of a tebibyte with holes, then written to in more and more places."""

from __future__ import annotations

import os
import time

from kit import MIB, name_of

SPEC = {"disk_bytes": "8M"}
ATTACK = {"hits": ["disk"], "says": "a tebibyte, ENOSPC"}
CONTROL = {"says": "read back"}


def attack() -> None:
    file = os.open("/work/sparse", os.O_CREAT | os.O_RDWR)
    os.ftruncate(file, 1 << 40)
    print("a tebibyte", end=", ")
    try:
        for place in range(20):
            os.pwrite(file, b"x" * MIB, place << 35)
        print("written")
    except OSError as error:
        print(name_of(error))
    time.sleep(0.2)  # until somebody looks


def control() -> None:
    file = os.open("/work/sparse", os.O_CREAT | os.O_RDWR)
    os.ftruncate(file, 1 << 40)
    os.pwrite(file, b"x", 1 << 39)
    print("read back" if os.pread(file, 2, 1 << 39) == b"x\0" else "lost")
