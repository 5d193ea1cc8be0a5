"""Sleeps past its time."""

from __future__ import annotations

import time

SPEC = {"wall_s": 0.8}
ATTACK = {"status": "wall_limit", "hits": ["wall"], "wall_s": 3.0}
CONTROL = {"says": "awake"}


def attack() -> None:
    time.sleep(60)


def control() -> None:
    time.sleep(0.1)
    print("awake")
