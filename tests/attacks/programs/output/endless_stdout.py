"""Writes without end to its output."""

from __future__ import annotations

import os

SPEC = {"wall_s": 1.0}
ATTACK = {"status": "wall_limit", "hits": ["wall"], "says": "x.*bytes of output left out here.*x", "wall_s": 8.0}
CONTROL = {"says": "x{1000}"}


def attack() -> None:
    while True:
        os.write(1, b"x" * 65536)


def control() -> None:
    os.write(1, b"x" * 1000)
