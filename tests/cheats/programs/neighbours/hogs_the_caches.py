"""Leaves a child that runs through memory, so that the baseline finds the caches cold."""

from __future__ import annotations

import os

from kit import slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}


def spin():
    block = bytearray(64 << 20)
    while True:
        block[::64] = bytes(1 << 20)


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
