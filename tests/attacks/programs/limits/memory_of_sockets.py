"""Bytes that lie in sockets which nobody reads."""

from __future__ import annotations

import socket

from kit import MIB

# The system's own cap for a socket bounds what the watchdog cannot see: 256 descriptors hold what they hold.
SPEC = {"memory_bytes": "64M", "open_files": 256}
ATTACK = {"status": "memory_limit", "hits": ["memory"]}
WATCHDOG = {"status": ["exited", "memory_limit"], "says": "(held [0-9]+)?"}
CONTROL = {"says": "held [1-9][0-9]*"}


def hold(pairs: int) -> None:
    kept, held = [], 0
    for _ in range(pairs):
        ends = socket.socketpair()
        kept.append(ends)
        for end in ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MIB)
            end.setblocking(False)
            try:
                while True:
                    held += end.send(b"x" * 65536)
            except BlockingIOError:
                pass
    print("held", held // MIB)


def attack() -> None:
    hold(120)


def control() -> None:
    hold(1)
