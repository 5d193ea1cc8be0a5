"""Renames and exchanges files as fast as it can, while the box is ended."""

from __future__ import annotations

import os

SPEC = {"wall_s": 1.0}
ATTACK = {"status": "wall_limit", "hits": ["wall"], "wall_s": 8.0}
CONTROL = {"says": "renamed"}


def attack() -> None:
    os.fork()
    open("/work/a", "w").close()
    while True:
        for a, b in (("a", "b"), ("b", "c"), ("c", "a")):
            try:
                os.rename(f"/work/{a}", f"/work/{b}")
            except FileNotFoundError:
                open(f"/work/{a}", "w").close()


def control() -> None:
    open("/work/a", "w").close()
    os.rename("/work/a", "/work/b")
    print("renamed" if os.path.exists("/work/b") else "lost")
