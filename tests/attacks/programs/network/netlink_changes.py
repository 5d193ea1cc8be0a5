"""Changes the network by netlink: new interfaces, addresses and routes, and leaving the namespace."""

from __future__ import annotations

import socket
import struct

ATTACK = {"says": "-1 -1 -1"}
CONTROL = {"says": r"\['lo'\]"}


def ask(kind: int, body: bytes) -> int:
    """The kernel's answer: 0, or an errno below zero."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as routes:
        flags = 0x1 | 0x4 | 0x400 | 0x200  # request, acknowledge, create, exclusive
        routes.sendto(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body, (0, 0))
        return struct.unpack_from("=i", routes.recv(65536), 16)[0]


def attack() -> None:
    kind = struct.pack("=HH", 12, 1) + b"dummy\0\0\0"
    link = bytes(16) + struct.pack("=HH", 4 + len(kind), 18) + kind
    address = struct.pack("=BBBBI", 2, 8, 0, 0, 1) + struct.pack("=HH4s", 8, 2, bytes([10, 9, 9, 9]))
    route = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0) + struct.pack("=HHI", 8, 4, 1)
    print(ask(16, link), ask(20, address), ask(24, route))


def control() -> None:
    print([name for _, name in socket.if_nameindex()])
