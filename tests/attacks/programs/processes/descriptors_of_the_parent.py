"""Takes descriptors out of the processes above it."""

from __future__ import annotations

import os

from kit import syscall

ATTACK = {"says": "(EPERM ?){4}"}
CONTROL = {"says": "True"}


def attack() -> None:
    for pid in (1, os.getppid() or 1):
        process = os.pidfd_open(pid)
        print(syscall(438, process, 0, 0), syscall(438, process, 3, 0), end=" ")


def control() -> None:
    print(os.pidfd_open(os.getpid()) > 0)
