"""A mount namespace of its own."""

from __future__ import annotations

import os

from kit import syscall

ATTACK = {"says": "EPERM EPERM"}
CONTROL = {"says": "mnt:.*"}


def attack() -> None:
    print(syscall(272, 0x00020000), syscall(272, 0x00000200))  # CLONE_NEWNS, CLONE_FS


def control() -> None:
    print(os.readlink("/proc/self/ns/mnt"))
