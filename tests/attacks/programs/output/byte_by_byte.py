"""A write for every byte."""

from __future__ import annotations

import os

ATTACK = {"says": "x{20000}", "wall_s": 10.0}
CONTROL = {"says": "xx"}


def attack() -> None:
    for _ in range(20_000):
        os.write(1, b"x")


def control() -> None:
    os.write(1, b"x")
    os.write(1, b"x")
