"""Gives pages away, moves those of others, and hides its own."""

from __future__ import annotations

import mmap

from kit import syscall

ATTACK = {"says": "EPERM EPERM EPERM EPERM EPERM"}
CONTROL = {"says": "None"}


def attack() -> None:
    print(
        syscall(278, 1, 0, 0, 8),  # vmsplice
        syscall(279, 1, 0, 0, 0, 0, 0),  # move_pages
        syscall(256, 1, 0, 0, 0),  # migrate_pages
        syscall(447, 0),  # memfd_secret
        syscall(216, 0, 4096, 0, 0, 0),  # remap_file_pages
    )


def control() -> None:
    print(mmap.mmap(-1, 4096).madvise(mmap.MADV_DONTNEED))
