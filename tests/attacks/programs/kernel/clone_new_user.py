"""The same by clone, and by each namespace's flag."""

from __future__ import annotations

import os

from kit import syscall

ATTACK = {"says": "EPERM EPERM EPERM EPERM EPERM EPERM EPERM"}
CONTROL = {"says": "0"}


def attack() -> None:
    flags = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
    print(*(syscall(56, flag | 17, 0, 0, 0, 0) for flag in flags))


def control() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    print(os.waitpid(pid, 0)[1])
