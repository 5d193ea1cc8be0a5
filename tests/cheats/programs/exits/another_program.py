"""Becomes another program, which holds the channel and answers nothing."""

from __future__ import annotations

import os

CHEAT = {
    "exercise": "rows",
    "verdict": "crashed",
    "caught_by": "crashed",
    "says": "exited early|exit code 0",
}


def ranked(values):
    os.set_inheritable(3, True)
    os.execv("/bin/true", ["true"])
