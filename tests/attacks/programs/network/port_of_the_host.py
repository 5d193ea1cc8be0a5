"""A service on the host's 127.0.0.1, by every address that could mean it."""

from __future__ import annotations

import socket

from kit import name_of

TARGETS = ["tcp"]
ATTACK = {"says": "((ECONNREFUSED|ENETUNREACH|EADDRNOTAVAIL) ?){7}"}
CONTROL = {"says": "connected"}
ADDRESSES = ("127.0.0.1", "127.0.1.1", "0.0.0.0", "::1", "::ffff:127.0.0.1", "172.17.0.1", "10.0.2.2")


def reach(address: str, port: int) -> str:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError as error:
        return name_of(error)
    return "connected"


def attack(port: str) -> None:
    print(*(reach(address, int(port)) for address in ADDRESSES))


def control() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(reach("127.0.0.1", server.getsockname()[1]))
