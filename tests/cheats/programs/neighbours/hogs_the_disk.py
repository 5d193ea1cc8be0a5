"""Leaves a child that writes and syncs files while the baseline has its turn."""

from __future__ import annotations

import os

from kit import slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}


def spin():
    block = b"x" * (1 << 20)
    while True:
        with open("/work/block", "wb") as file:
            for _ in range(16):
                file.write(block)
            os.fsync(file.fileno())


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
