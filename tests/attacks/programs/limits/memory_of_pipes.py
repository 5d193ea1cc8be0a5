"""Pages that lie in pipes."""

from __future__ import annotations

import fcntl
import os

from kit import MIB

# The kernel bounds them a user: 64 MiB of large pipes, then one page each. A cgroup counts them; the watchdog cannot.
SPEC = {"memory_bytes": "48M", "open_files": 1024}
ATTACK = {"status": "memory_limit", "hits": ["memory"]}
WATCHDOG = {"says": "buffered [0-9]{1,2}"}
CONTROL = {"says": "buffered 4"}


def hold(count: int) -> None:
    held = 0
    for _ in range(count):
        _, write = os.pipe2(os.O_NONBLOCK)
        try:
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, MIB)
        except PermissionError:
            pass
        try:
            held += os.write(write, b"x" * MIB)
        except BlockingIOError:
            pass
    print("buffered", held // MIB)


def attack() -> None:
    hold(480)


def control() -> None:
    hold(4)
