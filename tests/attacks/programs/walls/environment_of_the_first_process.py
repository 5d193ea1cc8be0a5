"""What the box's first process was started with."""

from __future__ import annotations

import os

ATTACK = {"says": "only known names"}
CONTROL = {"says": "True"}
KNOWN = {"PATH", "HOME", "LANG", "TMPDIR", "PWD", "HOSTNAME", "LC_CTYPE", "container", "LD_LIBRARY_PATH", "SHLVL", "_"}


def attack() -> None:
    try:
        with open("/proc/1/environ", "rb") as file:
            names = {word.split(b"=")[0].decode() for word in file.read().split(b"\0") if word}
    except PermissionError:
        names = set()
    print("only known names" if names <= KNOWN else sorted(names - KNOWN))


def control() -> None:
    with open("/proc/self/environ", "rb") as file:
        print(b"HOME=/work" in file.read() or "HOME" in os.environ)
