"""The oldest way out: a root below a folder that is kept open."""

from __future__ import annotations

import os

from kit import attempt

ATTACK = {"says": "EPERM"}
CONTROL = {"says": "True"}


def attack() -> None:
    os.mkdir("/work/jail")
    kept = os.open("/", os.O_RDONLY)
    said = attempt(os.chroot, "/work/jail")
    os.fchdir(kept)
    for _ in range(20):
        os.chdir("..")
    print(said)


def control() -> None:
    os.chdir("/")
    os.chdir("..")
    print(os.path.samestat(os.stat("."), os.stat("/")))
