"""Looks in every folder for what another box holds at the same time."""

from __future__ import annotations

import os
import sys

ATTACK = {"says": r"\[\]"}
CONTROL = {"says": "3 found"}


def plant() -> None:
    for folder in ("/tmp", "/work", "/dev/shm"):
        with open(f"{folder}/of-the-other-box", "w") as file:
            file.write("x")


def search() -> list[str]:
    found = []
    for folder, below, names in os.walk("/"):
        if folder in {"/usr", "/proc/sys"} or folder == sys.base_prefix:
            below.clear()
        found += [os.path.join(folder, name) for name in names if name == "of-the-other-box"]
    return [path for path in found if not path.startswith("/proc")]


def beside() -> None:
    plant()
    print("ready", flush=True)
    sys.stdin.read()
    print(len(search()))


def attack() -> None:
    print(search())


def control() -> None:
    plant()
    print(len(search()), "found")
