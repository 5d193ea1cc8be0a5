"""Stops itself, and all of its children: nobody is left who could end."""

from __future__ import annotations

import os
import signal

SPEC = {"wall_s": 1.0}
ATTACK = {"status": "wall_limit", "hits": ["wall"], "wall_s": 8.0}
CONTROL = {"says": "woken"}


def attack() -> None:
    os.fork()
    os.fork()
    os.kill(os.getpid(), signal.SIGSTOP)


def control() -> None:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    os.waitpid(pid, os.WUNTRACED)
    os.kill(pid, signal.SIGCONT)
    print("woken" if os.waitpid(pid, 0) == (pid, 0) and os.getpid() == parent else "lost")
