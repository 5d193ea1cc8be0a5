"""POSIX message queues: a file system of its own, counted a user."""

from __future__ import annotations

import queue

from kit import syscall

ATTACK = {"says": "(ENOSYS|EPERM)"}
CONTROL = {"says": "1"}


def attack() -> None:
    print(syscall(240, b"rz", 0o102, 0o666, 0))


def control() -> None:
    line: queue.Queue[int] = queue.Queue()
    line.put(1)
    print(line.get())
