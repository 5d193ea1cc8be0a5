"""Writes without end to the control channel."""

from __future__ import annotations

import os

SPEC = {"wall_s": 1.0}
ATTACK = {"status": "wall_limit", "hits": ["wall"], "wall_s": 8.0}
CONTROL = {"says": "1000"}


def attack() -> None:
    while True:
        os.write(3, b"x" * 65536)


def control() -> None:
    print(os.write(3, b"x" * 1000))
