"""Addresses on the local network and beyond."""

from __future__ import annotations

import socket

from kit import name_of

ATTACK = {"says": "((ENETUNREACH|EADDRNOTAVAIL) ?){5}", "wall_s": 5.0}
CONTROL = {"says": "127.0.0.1"}


def attack() -> None:
    for address in ("192.0.2.1", "10.0.0.1", "192.168.0.1", "8.8.8.8", "2001:db8::1"):
        try:
            socket.create_connection((address, 443), timeout=2).close()
            print("connected", end=" ")
        except OSError as error:
            print(name_of(error), end=" ")


def control() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("127.0.0.1", 9))
        print(probe.getsockname()[0])
