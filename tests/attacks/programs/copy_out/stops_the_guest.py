"""Stops that process: the run ends at its time."""

from __future__ import annotations

import os
import signal
import time

ATTACK = {"refused": "TimedOut", "wall_s": 9.0}
CONTROL = {"holds": "plain"}


def attack() -> None:
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(60)


def control() -> None:
    time.sleep(0.2)
    with open("/work/out/model.bin", "w") as file:
        file.write("plain")
