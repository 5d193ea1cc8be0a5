"""Floods both streams and ends well: the flood ends nothing, and the end is not lost."""

from __future__ import annotations

import os

ATTACK = {"says": "x.*bytes of output left out here.*the end", "error": "^done$"}
CONTROL = {"says": "the end", "error": "^done$"}


def attack() -> None:
    for _ in range(500):
        os.write(1, b"x" * 65536)
    control()


def control() -> None:
    os.write(1, b"the end")
    os.write(2, b"done")
