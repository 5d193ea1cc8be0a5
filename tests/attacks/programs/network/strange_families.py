"""Every other family of sockets: each is kernel code that nobody here needs."""

from __future__ import annotations

import socket

from kit import attempt

ATTACK = {"says": r"\[\]"}
CONTROL = {"says": r"\[1, 2, 10\]"}
LAWFUL = {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}


def made(families: set[int]) -> list[int]:
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_RAW)
    return sorted({family for family in families for kind in kinds if attempt(socket.socket, family, kind) == "done"})


def attack() -> None:
    print(made(set(range(64)) - {int(family) for family in LAWFUL}))


def control() -> None:
    print(made({1, 2, 10}))
