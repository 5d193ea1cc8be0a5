"""Does the slow work in a child while it sleeps, so that its own CPU time is nought."""

from __future__ import annotations

import os

from kit import slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}


def chain(seed, links):
    out, into = os.pipe()
    if os.fork() == 0:
        os.write(into, slow(seed, links).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as file:
        answer = file.read()
    os.wait()
    return answer
