"""Tries every folder."""

from __future__ import annotations

import os

ATTACK = {"says": r"\['/dev/shm', '/tmp', '/work'\]"}
CONTROL = {"says": "3"}


def attack() -> None:
    writable = []
    for folder, below, _ in os.walk("/"):
        if folder in {"/proc", "/usr", "/sys", "/work", "/tmp", "/dev/shm"} or folder.count("/") > 4:
            below.clear()
        try:
            open(os.path.join(folder, ".probe"), "w").close()
            writable.append(folder)
        except OSError:
            pass
    print(sorted(writable))


def control() -> None:
    for folder in ("/work", "/tmp", "/dev/shm"):
        open(f"{folder}/probe", "w").close()
    print(3)
