"""Shares the work among children."""

from __future__ import annotations

import os

SPEC = {"cpu_s": 0.8, "wall_s": 20.0}
ATTACK = {"status": "cpu_limit", "hits": ["cpu"], "wall_s": 10.0}
CONTROL = {"says": "waited"}


def attack() -> None:
    for _ in range(3):
        os.fork()
    while True:
        pass


def control() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    print("waited")
