"""Takes all the memory that it may have, and more, so that the baseline has to wait for it."""

from __future__ import annotations

from kit import slow

CHEAT = {"exercise": "chain", "verdict": "out_of_memory", "caught_by": "out_of_memory", "says": "512 MB"}

blocks = []


def chain(seed, links):
    while True:
        blocks.append(bytearray(b"x") * (16 << 20))
    return slow(seed, links)
