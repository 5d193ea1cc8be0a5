"""The program ends; a child keeps its output open, and would keep the reader waiting."""

from __future__ import annotations

import os
import time

ATTACK = {"says": "ended", "wall_s": 5.0}
CONTROL = {"says": "early and late"}


def attack() -> None:
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            time.sleep(60)
    print("ended", flush=True)
    os._exit(0)


def control() -> None:
    pid = os.fork()
    if pid == 0:
        print("early", end=" ", flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print("and late")
