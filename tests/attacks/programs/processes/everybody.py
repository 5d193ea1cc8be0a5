"""kill -1: everybody that it may signal. Only its own are there."""

from __future__ import annotations

import os
import signal

TARGETS = ["process"]
ATTACK = {"says": "a child ended by 9, still here"}
CONTROL = {"says": "0"}


def attack(_outside: str) -> None:
    pid = os.fork()
    if pid == 0:
        signal.pause()
    os.kill(-1, signal.SIGKILL)
    print(f"a child ended by {os.WTERMSIG(os.waitpid(pid, 0)[1])}, still here")


def control() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    print(os.waitpid(pid, 0)[1])
