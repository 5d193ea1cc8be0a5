"""Counters and samples of the processor."""

from __future__ import annotations

import ctypes
import time

from kit import syscall

ATTACK = {"says": "EPERM"}
CONTROL = {"says": "True"}


def attack() -> None:
    attributes = ctypes.create_string_buffer(b"\x01\0\0\0\x70\0\0\0", 112)
    print(syscall(298, attributes, 0, -1, -1, 0))


def control() -> None:
    print(time.process_time() > 0)
