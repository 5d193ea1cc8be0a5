"""Opens files by number, past every mount."""

from __future__ import annotations

import ctypes
import os

from kit import syscall

ATTACK = {"says": "EPERM EPERM"}
CONTROL = {"says": "[0-9]+"}


def attack() -> None:
    handle = ctypes.create_string_buffer(b"\x08\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0", 136)
    print(syscall(304, os.open("/usr", os.O_RDONLY), handle, 0), syscall(303, -100, b"/usr", handle, handle, 0))


def control() -> None:
    print(os.stat("/usr").st_ino)
