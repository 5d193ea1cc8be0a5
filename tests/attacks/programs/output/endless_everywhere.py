"""All three at once, each from a process of its own."""

from __future__ import annotations

import os

SPEC = {"wall_s": 1.0}
ATTACK = {
    "status": "wall_limit",
    "hits": ["wall"],
    "says": "x.*left out here.*x",
    "error": "left out here",
    "wall_s": 8.0,
}
CONTROL = {"says": "x{9}", "error": "x{9}"}


def attack() -> None:
    for number in (1, 2):
        if os.fork() == 0:
            while True:
                os.write(number, b"x" * 65536)
    while True:
        os.write(3, b"x" * 65536)


def control() -> None:
    for number in (1, 2, 3):
        os.write(number, b"x" * 9)
