"""The cloud's metadata service, where the machine's credentials are."""

from __future__ import annotations

import socket

from kit import name_of

ATTACK = {"says": "((ENETUNREACH|EADDRNOTAVAIL) ?){4}", "wall_s": 5.0}
CONTROL = {"says": "ECONNREFUSED"}


def reach(address: str) -> str:
    try:
        socket.create_connection((address, 80), timeout=2).close()
    except OSError as error:
        return name_of(error)
    return "connected"


def attack() -> None:
    print(*(reach(address) for address in ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "168.63.129.16")))


def control() -> None:
    print(reach("127.0.0.1"))
