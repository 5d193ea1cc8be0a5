"""Closes every descriptor, the control channel too, and goes on."""

from __future__ import annotations

import os
import time

SPEC = {"wall_s": 1.0}
ATTACK = {"status": "wall_limit", "hits": ["wall"], "says": "", "wall_s": 8.0}
CONTROL = {"says": "reopened"}


def attack() -> None:
    os.closerange(0, 1024)
    time.sleep(60)


def control() -> None:
    os.closerange(3, 1024)
    file = os.open("/work/a", os.O_CREAT | os.O_RDWR)
    os.write(file, b"reopened")
    print(os.pread(file, 10, 0).decode())
