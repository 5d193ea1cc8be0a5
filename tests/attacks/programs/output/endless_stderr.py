"""Writes without end to its error output."""

from __future__ import annotations

import os

SPEC = {"wall_s": 1.0}
ATTACK = {"status": "wall_limit", "hits": ["wall"], "error": "bytes of output left out here", "says": "", "wall_s": 8.0}
CONTROL = {"says": "", "error": "x{1000}"}


def attack() -> None:
    while True:
        os.write(2, b"x" * 65536)


def control() -> None:
    os.write(2, b"x" * 1000)
