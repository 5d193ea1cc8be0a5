"""Leaves children that spin on every core while the baseline has its turn."""

from __future__ import annotations

import os

from kit import slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}


def spin():
    while True:
        pass


def detach(action):
    """A grandchild in a session of its own: nobody's child, nobody's group."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            action()
        os._exit(0)
    os.wait()


for _ in range(2):
    detach(spin)
chain = slow
