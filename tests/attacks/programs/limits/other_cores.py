"""Moves to cores that it was not given."""

from __future__ import annotations

import os

from kit import attempt

SPEC = {"cpus": [0]}
ATTACK = {"says": r"\[0\] EPERM \[0\]"}
CONTROL = {"says": r"\[0\]"}


def attack() -> None:
    print(sorted(os.sched_getaffinity(0)), attempt(os.sched_setaffinity, 0, range(64)), sorted(os.sched_getaffinity(0)))


def control() -> None:
    print(sorted(os.sched_getaffinity(0)))
