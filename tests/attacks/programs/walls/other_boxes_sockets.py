"""Connects to another box's ports and abstract sockets."""

from __future__ import annotations

import socket
import sys

from kit import attempt

ATTACK = {"says": "ECONNREFUSED ECONNREFUSED"}
CONTROL = {"says": "done done"}
PORT = 42_424


def serve() -> list[socket.socket]:
    named = socket.socket(socket.AF_UNIX)
    named.bind("\0of-the-other-box")
    named.listen()
    return [named, socket.create_server(("127.0.0.1", PORT))]


def reach() -> None:
    with socket.socket(socket.AF_UNIX) as first, socket.socket() as second:
        print(attempt(first.connect, "\0of-the-other-box"), attempt(second.connect, ("127.0.0.1", PORT)))


def beside() -> None:
    servers = serve()
    print("ready", flush=True)
    sys.stdin.read()
    for server in servers:
        server.setblocking(False)
        try:
            server.accept()
            sys.exit("somebody connected")
        except BlockingIOError:
            continue


def attack() -> None:
    reach()


def control() -> None:
    servers = serve()
    reach()
    del servers
