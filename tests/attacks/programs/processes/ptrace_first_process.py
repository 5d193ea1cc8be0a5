"""Traces the box's first process."""

from __future__ import annotations

import os

from kit import syscall

ATTACK = {"says": "EPERM EPERM"}
CONTROL = {"says": "True"}


def attack() -> None:
    print(syscall(101, 16, 1, 0, 0), syscall(101, 0x4206, 1, 0, 0))  # attach, seize


def control() -> None:
    print(os.path.exists("/proc/1/status"))
