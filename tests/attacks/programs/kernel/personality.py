"""Turns address randomisation off, or reads become executable."""

from __future__ import annotations

from kit import syscall

ATTACK = {"says": "EPERM EPERM EPERM"}
CONTROL = {"says": "done done"}


def attack() -> None:
    print(syscall(135, 0x0040000), syscall(135, 0x0400000), syscall(135, 0x0008))


def control() -> None:
    print(syscall(135, 0xFFFFFFFF), syscall(135, 0))
