"""Traces a process of its own user, and lets itself be traced."""

from __future__ import annotations

import time

from kit import child, syscall

ATTACK = {"says": "EPERM EPERM EPERM"}
CONTROL = {"says": "True"}


def attack() -> None:
    with child(lambda: time.sleep(30)) as pid:
        print(syscall(101, 16, pid, 0, 0), syscall(101, 0x4206, pid, 0, 0), syscall(101, 0, 0, 0, 0))


def control() -> None:
    with child(lambda: time.sleep(30)) as pid:
        print(pid > 0)
