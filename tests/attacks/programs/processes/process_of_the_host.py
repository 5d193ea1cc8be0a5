"""A process of the host's, by its number."""

from __future__ import annotations

import os
import signal

from kit import attempt, syscall

TARGETS = ["process"]
ATTACK = {"says": "ESRCH ESRCH ENOENT"}
CONTROL = {"says": "done"}


def attack(outside: str) -> None:
    # A small number may be one of the box's own.
    pid = int(outside) if int(outside) > 100 else 4_000_000
    print(attempt(os.kill, pid, signal.SIGKILL), syscall(434, pid, 0), attempt(open, f"/proc/{pid}/status"))


def control() -> None:
    print(attempt(os.kill, os.getpid(), 0))
