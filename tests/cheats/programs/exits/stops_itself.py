"""Stops itself, so that no clock of its own runs."""

from __future__ import annotations

import os
import signal

CHEAT = {"exercise": "rows", "verdict": "timed_out", "caught_by": "timed_out", "says": "4 seconds"}


def ranked(values):
    os.kill(os.getpid(), signal.SIGSTOP)
    return values
