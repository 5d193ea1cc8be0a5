"""A network namespace of its own, with all its freshly made kernel objects."""

from __future__ import annotations

import os

from kit import syscall

ATTACK = {"says": "EPERM"}
CONTROL = {"says": "net:.*"}


def attack() -> None:
    print(syscall(272, 0x40000000))


def control() -> None:
    print(os.readlink("/proc/self/ns/net"))
