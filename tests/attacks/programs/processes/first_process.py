"""Kills the box's first process from inside, politely and not."""

from __future__ import annotations

import os
import signal
import time

from kit import attempt

ATTACK = {"says": "((done|EPERM) ?)+still here"}
CONTROL = {"says": "-15"}


def attack() -> None:
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV, signal.SIGHUP):
        print(attempt(os.kill, 1, number), end=" ")
    time.sleep(0.2)
    print("still here")


def control() -> None:
    import subprocess

    with subprocess.Popen(["/bin/sleep", "20"]) as child:
        child.terminate()
        print(child.wait())
