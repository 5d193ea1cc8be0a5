"""Sockets to the virtual machine's host, which know no network namespace."""

from __future__ import annotations

import socket

from kit import attempt

ATTACK = {"says": "EAFNOSUPPORT EAFNOSUPPORT (ENOENT|EACCES)"}
CONTROL = {"says": "done"}


def attack() -> None:
    print(
        attempt(socket.socket, 40, socket.SOCK_STREAM),
        attempt(socket.socket, 40, socket.SOCK_DGRAM),
        attempt(open, "/dev/vsock"),
    )


def control() -> None:
    print(attempt(socket.socket, socket.AF_UNIX, socket.SOCK_STREAM))
