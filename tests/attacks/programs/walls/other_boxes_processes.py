"""Looks for processes of another box at the same time, and signals all numbers that it may have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

ATTACK = {"says": "0 seen"}
CONTROL = {"says": "1 seen"}


def seen() -> int:
    count = 0
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                count += b"20.0625" in file.read()
        except OSError:
            continue
    return count


def beside() -> None:
    with subprocess.Popen(["/bin/sleep", "20.0625"]) as sleeper:
        print("ready", flush=True)
        sys.stdin.read()
        alive = sleeper.poll() is None
        sleeper.kill()
    sys.exit(0 if alive else "the sleeper was ended")


def attack() -> None:
    print(seen(), "seen", flush=True)
    for number in range(2, 70_000):
        if number != os.getpid():
            try:
                os.kill(number, signal.SIGKILL)
            except OSError:
                continue


def control() -> None:
    with subprocess.Popen(["/bin/sleep", "20.0625"]) as sleeper:
        while not seen():
            pass
        print(seen(), "seen")
        sleeper.kill()
