"""Work for the kernel's own threads, past the filter."""

from __future__ import annotations

import ctypes
import select

from kit import syscall

ATTACK = {"says": "((ENOSYS|EPERM) ?){3}"}
CONTROL = {"says": r"\[\]"}


def attack() -> None:
    print(syscall(425, 8, ctypes.create_string_buffer(120)), syscall(426, 3, 1, 0, 0), syscall(427, 3, 0, 0, 0))


def control() -> None:
    print(select.epoll().poll(0))
