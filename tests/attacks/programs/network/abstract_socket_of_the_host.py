"""A socket without a file, which no mount namespace hides."""

from __future__ import annotations

import socket

from kit import attempt

TARGETS = ["abstract"]
ATTACK = {"says": "ECONNREFUSED 0"}
CONTROL = {"says": "done 1"}


def listed() -> int:
    with open("/proc/net/unix") as sockets:
        return sum("@" in line for line in sockets)


def attack(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        print(attempt(client.connect, f"\0{name}"), listed())


def control() -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("\0own")
        server.listen()
        print(attempt(client.connect, "\0own"), min(listed(), 1))
