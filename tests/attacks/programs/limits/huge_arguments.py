"""Starts programs with arguments as long as can be, again and again."""

from __future__ import annotations

import os

from kit import attempt

SPEC = {"memory_bytes": "128M"}
ATTACK = {"says": "E2BIG"}
CONTROL = {"says": "0"}


def attack() -> None:
    print(attempt(os.execv, "/bin/true", ["true", *["x" * 100_000] * 800]))


def control() -> None:
    print(os.spawnv(os.P_WAIT, "/bin/true", ["true", "x" * 100_000]))
