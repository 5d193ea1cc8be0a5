"""Turns the machine off."""

from __future__ import annotations

import os

from kit import syscall

ATTACK = {"says": "EPERM EPERM"}
CONTROL = {"says": "True"}


def attack() -> None:
    print(syscall(169, 0xFEE1DEAD, 672274793, 0, 0), syscall(169, 0xFEE1DEAD, 672274793, 0x4321FEDC, 0))


def control() -> None:
    print(os.getloadavg()[0] >= 0)
