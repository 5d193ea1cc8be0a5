"""Every process forks for ever, and none takes a refusal for an answer."""

from __future__ import annotations

import os

SPEC = {"pids": 30, "wall_s": 3.0}
ATTACK = {"status": "wall_limit", "hits": ["wall", "pids"], "wall_s": 8.0}
WATCHDOG = {"status": "wall_limit", "hits": ["wall"], "wall_s": 8.0}  # only a cgroup tells of a refusal
CONTROL = {"says": "0"}


def attack() -> None:
    while True:
        try:
            os.fork()
        except OSError:
            pass


def control() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    print(os.waitpid(pid, 0)[1])
