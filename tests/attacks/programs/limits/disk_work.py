"""Fills /work."""

from __future__ import annotations

import time

from kit import fill

SPEC = {"disk_bytes": "8M"}
ATTACK = {"hits": ["disk"], "says": "ENOSPC"}
CONTROL = {"says": "done"}


def attack() -> None:
    print(fill("/work/a", 9))
    time.sleep(0.2)  # until somebody looks


def control() -> None:
    print(fill("/work/a", 6))
