"""Datagrams to the host, to everybody, and to a group."""

from __future__ import annotations

import socket

from kit import attempt

TARGETS = ["udp"]
ATTACK = {"says": "done (ENETUNREACH|EACCES|EPERM) (ENETUNREACH|EPERM|ENODEV|done) ENETUNREACH"}
CONTROL = {"says": "b'x'"}


def attack(port: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        own = attempt(sender.sendto, b"x", ("127.0.0.1", int(port)))  # leaves, and arrives nowhere
        wide = attempt(sender.sendto, b"x", ("255.255.255.255", int(port)))
        group = attempt(sender.sendto, b"x", ("224.0.0.1", int(port)))
        away = attempt(sender.sendto, b"x", ("192.0.2.1", int(port)))
    print(own, wide, group, away)


def control() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.sendto(b"x", receiver.getsockname())
        print(receiver.recv(10))
