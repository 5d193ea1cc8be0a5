"""System V memory, messages and semaphores: they outlive the process."""

from __future__ import annotations

import multiprocessing.shared_memory

from kit import syscall

ATTACK = {"says": "(ENOSYS|EPERM) (ENOSYS|EPERM) (ENOSYS|EPERM)"}
CONTROL = {"says": "4096"}


def attack() -> None:
    print(syscall(29, 0x525A, 4096, 0o1666), syscall(68, 0x525A, 0o1666), syscall(64, 0x525A, 1, 0o1666))


def control() -> None:
    block = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
    print(block.size)
    block.close()
    block.unlink()
