"""Follows its own output pipes to the host's side: reads what others write into them, turns them round."""

from __future__ import annotations

import os

from kit import name_of

ATTACK = {"says": "(EAGAIN|EACCES|ENXIO|EPERM|ENOENT) ENXIO"}
CONTROL = {"says": "again"}


def attack() -> None:
    said = []
    for path, flags in (("/proc/self/fd/1", os.O_RDONLY | os.O_NONBLOCK), ("/proc/self/fd/3", os.O_RDWR)):
        try:
            os.read(os.open(path, flags), 10)
            said.append("read")
        except OSError as error:
            said.append(name_of(error))
    print(*said)


def control() -> None:
    with open("/dev/stdout", "w") as file:
        file.write("again\n")
