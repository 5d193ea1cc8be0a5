"""Fills /dev/shm."""

from __future__ import annotations

from kit import fill

SPEC = {"shm_bytes": "8M"}
ATTACK = {"hits": ["disk"], "says": "ENOSPC"}
CONTROL = {"says": "done"}


def attack() -> None:
    print(fill("/dev/shm/a", 9))


def control() -> None:
    print(fill("/dev/shm/a", 6))
