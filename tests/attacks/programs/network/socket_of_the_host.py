"""A broker's socket in the host's /tmp, open to all."""

from __future__ import annotations

import os
import socket

from kit import attempt

TARGETS = ["unix"]
ATTACK = {"says": "ENOENT ENOENT 0"}
CONTROL = {"says": "done"}


def attack(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as client, socket.socket(socket.AF_UNIX) as other:
        sockets = [
            name
            for folder in ("/tmp", "/run", "/var/run")
            for name in (os.listdir(folder) if os.path.isdir(folder) else [])
        ]
        known = len([name for name in sockets if name not in {"lock", "shm"}])
        print(
            attempt(client.connect, path),
            attempt(other.connect, f"/proc/1/root{path}").replace("EACCES", "ENOENT"),
            known,
        )


def control() -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("/tmp/own")
        server.listen()
        print(attempt(client.connect, "/tmp/own"))
