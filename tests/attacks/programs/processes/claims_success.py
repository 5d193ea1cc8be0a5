"""Crashes, while a child exits with success."""

from __future__ import annotations

import os
import signal

ATTACK = {"status": "signalled", "signal": 11, "says": ""}
CONTROL = {"says": "success"}


def attack() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)


def control() -> None:
    print("success")
