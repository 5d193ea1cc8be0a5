"""Netlink beyond routes: audit, events of devices, sockets of others, packet filters, crypto."""

from __future__ import annotations

import socket

from kit import attempt

ATTACK = {"says": r"\[\]"}
CONTROL = {"says": "True"}


def attack() -> None:
    print([kind for kind in range(1, 32) if attempt(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, kind) == "done"])


def control() -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as routes:
        routes.sendto((20).to_bytes(4, "little") + b"\x16\0\x01\x03" + bytes(12), (0, 0))  # RTM_GETADDR, dump
        print(b"lo\0" in routes.recv(65536) or bool(socket.if_nameindex()))
