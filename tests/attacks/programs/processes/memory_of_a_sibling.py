"""Reads and writes another process's memory by the calls made for it."""

from __future__ import annotations

import ctypes
import os
import time

from kit import child, libc, syscall

ATTACK = {"says": "EPERM EPERM EPERM EPERM EPERM"}
CONTROL = {"says": "b'own'"}


def attack() -> None:
    with child(lambda: time.sleep(30)) as pid:
        vector = (ctypes.c_uint64 * 2)(0, 0)
        at = ctypes.addressof(vector)
        process = os.pidfd_open(pid)
        print(
            syscall(310, pid, at, 1, at, 1, 0),
            syscall(311, pid, at, 1, at, 1, 0),
            syscall(440, process, at, 1, 4, 0),
            syscall(448, process, 0),
            syscall(312, pid, os.getpid(), 0, 0, 0),
        )


def control() -> None:
    text = ctypes.create_string_buffer(b"own")
    other = ctypes.create_string_buffer(4)
    libc.memcpy(other, text, 4)
    print(other.value)
