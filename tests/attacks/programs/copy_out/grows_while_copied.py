"""A process that stays behind appends without end."""

from __future__ import annotations

import os

ATTACK = {"refused": "Rejected|Crashed|TimedOut|OutOfMemory", "at_most": 1048576}
CONTROL = {"holds": "whole"}


def attack() -> None:
    open("/work/out/model.bin", "w").close()
    if os.fork() == 0:
        os.setsid()
        for number in (1, 2):
            os.close(number)
        with open("/work/out/model.bin", "ab", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)


def control() -> None:
    with open("/work/out/model.bin", "a") as file:
        file.write("whole")
