"""A line that never ends: nobody may wait for its end, or hold all of it."""

from __future__ import annotations

import os

ATTACK = {"says": "x+.*bytes of output left out here.*x+"}
CONTROL = {"says": "a line"}


def attack() -> None:
    for _ in range(200):
        os.write(1, b"x" * 65536)


def control() -> None:
    os.write(1, b"a line\n")
