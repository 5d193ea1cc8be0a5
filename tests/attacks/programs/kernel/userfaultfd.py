"""Holds the kernel still at a page of its choice."""

from __future__ import annotations

import mmap
import os

from kit import syscall

ATTACK = {"says": "EPERM EPERM (ENOENT|EACCES)"}
CONTROL = {"says": "4096"}


def attack() -> None:
    try:
        os.open("/dev/userfaultfd", os.O_RDWR)
        device = "opened"
    except OSError as error:
        device = {2: "ENOENT", 13: "EACCES"}.get(error.errno, str(error))
    print(syscall(323, 0), syscall(323, 1), device)


def control() -> None:
    print(len(mmap.mmap(-1, 4096)))
