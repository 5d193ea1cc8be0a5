"""Kills every process that it may, the first one of the box first."""

from __future__ import annotations

import os
import signal

CHEAT = {
    "exercise": "rows",
    "verdict": "crashed",
    "caught_by": "crashed",
    "says": "SIGKILL|signal 9|exit code 137",
}


def ranked(values):
    for process in (1, -1, os.getpid()):
        os.kill(process, signal.SIGKILL)
    return values
