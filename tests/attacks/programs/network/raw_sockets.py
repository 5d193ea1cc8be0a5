"""Writes packets of its own making."""

from __future__ import annotations

import socket

from kit import attempt

ATTACK = {"says": "EPERM EPERM EPERM EAFNOSUPPORT EAFNOSUPPORT"}
CONTROL = {"says": "done"}


def attack() -> None:
    print(
        attempt(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        attempt(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
        attempt(socket.socket, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
        attempt(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 3),
        attempt(socket.socket, socket.AF_PACKET, socket.SOCK_DGRAM, 3),
    )


def control() -> None:
    print(attempt(socket.socket, socket.AF_INET, socket.SOCK_DGRAM))
