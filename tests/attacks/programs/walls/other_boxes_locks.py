"""Holds locks that another box would wait for."""

from __future__ import annotations

import fcntl
import sys

from kit import attempt

ATTACK = {"says": "done"}
CONTROL = {"says": "EAGAIN"}


def lock(path: str = "/tmp/lock") -> str:
    file = open(path, "w")
    said = attempt(fcntl.flock, file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _kept.append(file)
    return said


_kept: list[object] = []


def beside() -> None:
    assert lock() == "done"
    print("ready", flush=True)
    sys.stdin.read()


def attack() -> None:
    print(lock())


def control() -> None:
    lock()
    print(lock())
