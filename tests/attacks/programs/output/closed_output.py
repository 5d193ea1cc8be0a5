"""Closes its output at once; the box goes on."""

from __future__ import annotations

import os
import time

ATTACK = {"says": "", "error": "^later$"}
CONTROL = {"says": "now"}


def attack() -> None:
    os.close(1)
    time.sleep(0.3)
    os.write(2, b"later")


def control() -> None:
    os.write(1, b"now")
