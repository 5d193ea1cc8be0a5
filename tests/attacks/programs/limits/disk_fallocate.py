"""Asks for the room at once, without writing."""

from __future__ import annotations

import os

from kit import MIB, attempt

SPEC = {"disk_bytes": "8M"}
ATTACK = {"says": "ENOSPC"}
CONTROL = {"says": "done"}


def reserve(mebibytes: int) -> None:
    file = os.open("/work/a", os.O_CREAT | os.O_RDWR)
    print(attempt(os.posix_fallocate, file, 0, mebibytes * MIB))


def attack() -> None:
    reserve(1000)


def control() -> None:
    reserve(4)
