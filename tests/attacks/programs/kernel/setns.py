"""Enters the namespaces of the box's first process, and of whoever made the box."""

from __future__ import annotations

import os

from kit import name_of, syscall

ATTACK = {"says": "(EPERM|EACCES) (EPERM|EACCES) (EPERM|EACCES)"}
CONTROL = {"says": "user:.*"}


def attack() -> None:
    for kind in ("user", "mnt", "net"):
        try:
            print(syscall(308, os.open(f"/proc/1/ns/{kind}", os.O_RDONLY), 0), end=" ")
        except OSError as error:
            print(name_of(error), end=" ")


def control() -> None:
    print(os.readlink("/proc/self/ns/user"))
