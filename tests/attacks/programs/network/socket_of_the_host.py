"""A broker's socket in the host's /tmp, open to all."""

from __future__ import annotations

import os
import socket
import stat

from kit import attempt

TARGETS = ["unix"]
ATTACK = {"says": "ENOENT ENOENT 0"}
CONTROL = {"says": "done"}


def attack(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as client, socket.socket(socket.AF_UNIX) as other:
        sockets = [path for folder in ("/tmp", "/run", "/var/run") for path in sockets_below(folder)]
        print(
            attempt(client.connect, path),
            attempt(other.connect, f"/proc/1/root{path}").replace("EACCES", "ENOENT"),
            len(sockets),
        )


def sockets_below(folder: str) -> list[str]:
    """Not below mounts: the interpreter's own folders may lie in /tmp."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not os.path.ismount(os.path.join(place, name))]
        paths = [os.path.join(place, name) for name in names]
        found += [path for path in paths if stat.S_ISSOCK(os.lstat(path).st_mode)]
    return found


def control() -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("/tmp/own")
        server.listen()
        assert sockets_below("/tmp") == ["/tmp/own"]
        print(attempt(client.connect, "/tmp/own"))
