"""All ports of its 127.0.0.1: there is nothing to find but its own."""

from __future__ import annotations

import socket

TARGETS = ["tcp"]
ATTACK = {"says": "0 open"}
CONTROL = {"says": "1 open"}


def open_ports(ports: range) -> int:
    count = 0
    for port in ports:
        with socket.socket() as probe:
            count += probe.connect_ex(("127.0.0.1", port)) == 0
    return count


def attack(port: str) -> None:
    wanted = int(port)
    print(open_ports(range(1, 10_000)) + open_ports(range(wanted, wanted + 1)), "open")


def control() -> None:
    with socket.create_server(("127.0.0.1", 12_345)):
        print(open_ports(range(12_340, 12_350)), "open")
