"""Forks until it is refused."""

from __future__ import annotations

import os
import time

SPEC = {"pids": 20}
ATTACK = {"hits": ["pids"], "says": "19"}  # and itself
WATCHDOG = {"says": "19"}  # only a cgroup tells of a refusal
CONTROL = {"says": "15"}


def forks(most: int) -> None:
    made = 0
    try:
        while made < most:
            if os.fork() == 0:
                time.sleep(60)
            made += 1
    except OSError:
        pass
    print(made, flush=True)
    os._exit(0)


def attack() -> None:
    forks(1000)


def control() -> None:
    forks(15)
