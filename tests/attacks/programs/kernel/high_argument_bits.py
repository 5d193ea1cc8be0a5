"""Hides a forbidden argument in bits that the filter does not look at."""

from __future__ import annotations

import ctypes

from kit import libc, syscall

ATTACK = {"says": "EPERM (EAFNOSUPPORT|EINVAL) EPERM"}
CONTROL = {"says": "True"}


def attack() -> None:
    print(
        syscall(56, (1 << 40) | 0x10000000 | 17, 0, 0, 0, 0),
        syscall(41, (1 << 33) | 17, 3, 0),  # a packet socket
        syscall(16, 0, (1 << 35) | 0x5412, b"x"),  # TIOCSTI
    )


def control() -> None:
    print(libc.syscall(ctypes.c_long(41), ctypes.c_long(2), ctypes.c_long(1), ctypes.c_long(0)) >= 0)
