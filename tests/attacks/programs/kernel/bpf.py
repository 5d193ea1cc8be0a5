"""Programs for the kernel."""

from __future__ import annotations

import ctypes

from kit import syscall

ATTACK = {"says": "EPERM EPERM"}
CONTROL = {"says": "0"}


def attack() -> None:
    attributes = ctypes.create_string_buffer(128)
    print(syscall(321, 0, attributes, 128), syscall(321, 5, attributes, 128))  # a map, a program


def control() -> None:
    # A filter for its own system calls is lawful: it only narrows.
    code = (ctypes.c_uint64 * 1)(0x7FFF0000_00000006)
    program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(code))
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)
    print(libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(program))))
