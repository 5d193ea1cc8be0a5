"""Leaves a child that makes system calls without end, for the locks that all boxes share."""

from __future__ import annotations

import os

from kit import slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}


def spin():
    while True:
        os.close(os.open("/work/lock", os.O_CREAT | os.O_RDWR))
        os.unlink("/work/lock")


def detach(action):
    """A grandchild in a session of its own: nobody's child, nobody's group."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            action()
        os._exit(0)
    os.wait()


for _ in range(1):
    detach(spin)
chain = slow
