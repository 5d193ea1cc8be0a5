"""Ends the process that would hand the file over: the run is the learner's to lose, not ours to repeat."""

from __future__ import annotations

import os
import signal

ATTACK = {"refused": "Crashed|Rejected"}
CONTROL = {"refused": "Crashed", "because": "signal|SIGKILL"}


def attack() -> None:
    os.kill(os.getppid(), signal.SIGKILL)


def control() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
