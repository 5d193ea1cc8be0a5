"""Calls itself until the stack is used up."""

from __future__ import annotations

import sys

from kit import machine_code

ATTACK = {"status": "signalled", "signal": 11, "says": ""}
CONTROL = {"says": "RecursionError"}


def attack() -> None:
    machine_code(bytes.fromhex("e8fbffffff"))()  # call the very same instruction


def control() -> None:
    sys.setrecursionlimit(300)
    try:
        control()
    except RecursionError as error:
        if sys._getframe().f_back.f_code.co_name == "<module>":
            print(type(error).__name__)
        else:
            raise
