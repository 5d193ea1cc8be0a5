"""A user namespace of its own would give it every capability there."""

from __future__ import annotations

from kit import syscall

ATTACK = {"says": "EPERM"}
CONTROL = {"says": "done"}


def attack() -> None:
    print(syscall(272, 0x10000000))


def control() -> None:
    print(syscall(39))  # getpid
