"""Burns time in children that end before anybody looks; the parent only waits."""

from __future__ import annotations

import os
import time

SPEC = {"cpu_s": 0.8, "wall_s": 20.0}
ATTACK = {"status": "cpu_limit", "hits": ["cpu"], "wall_s": 15.0}
CONTROL = {"says": "3 ended"}


def burn(children: int) -> None:
    for _ in range(children):
        if os.fork() == 0:
            until = time.process_time() + 0.05
            while time.process_time() < until:
                pass
            os._exit(0)
        os.wait()


def attack() -> None:
    burn(10_000)


def control() -> None:
    burn(3)
    print("3 ended")
