"""Moves the clock, which every measurement rests on."""

from __future__ import annotations

import time

from kit import attempt, syscall

ATTACK = {"says": "EPERM EPERM EPERM EPERM"}
CONTROL = {"says": "True"}


def attack() -> None:
    print(
        attempt(time.clock_settime, time.CLOCK_REALTIME, 0),
        syscall(164, bytes(16), 0),
        syscall(159, bytes(208)),
        syscall(305, 0, bytes(208)),
    )


def control() -> None:
    print(time.time() > 1_700_000_000)
