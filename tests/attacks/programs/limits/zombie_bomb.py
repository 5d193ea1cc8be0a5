"""Children that ended and are never waited for hold their numbers."""

from __future__ import annotations

import os
import time

SPEC = {"pids": 20}
ATTACK = {"hits": ["pids"], "says": "EAGAIN after 19"}
WATCHDOG = {"says": "EAGAIN after 19"}  # only a cgroup tells of a refusal
CONTROL = {"says": "reaped 60"}


def attack() -> None:
    made = 0
    try:
        while made < 1000:
            if os.fork() == 0:
                os._exit(0)
            made += 1
    except OSError as error:
        print("EAGAIN" if error.errno == 11 else error, "after", made)
    time.sleep(0.1)


def control() -> None:
    for _ in range(60):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    print("reaped 60")
