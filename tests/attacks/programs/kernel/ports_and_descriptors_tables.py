"""The processor's ports and segment tables."""

from __future__ import annotations

from kit import syscall

ATTACK = {"says": "EPERM EPERM EPERM"}
CONTROL = {"says": "done"}


def attack() -> None:
    print(syscall(172, 3), syscall(173, 0, 10, 1), syscall(154, 1, bytes(16), 16))


def control() -> None:
    print(syscall(158, 0x1003, bytes(8)))  # arch_prctl: reading is lawful
