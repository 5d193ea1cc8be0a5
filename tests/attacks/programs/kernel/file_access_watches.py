"""Watches everybody's file access."""

from __future__ import annotations

import ctypes

from kit import libc, syscall

ATTACK = {"says": "EPERM EPERM"}
CONTROL = {"says": "True"}


def attack() -> None:
    print(syscall(300, 0, 0), syscall(301, 0, 1, 2, -100, b"/"))


def control() -> None:
    file = libc.inotify_init1(0)
    print(libc.inotify_add_watch(file, b"/work", ctypes.c_uint32(0x100)) > 0)
