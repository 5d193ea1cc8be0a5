"""A daemon: twice forked, in a session of its own, deaf, without descriptors. The box ends with its program."""

from __future__ import annotations

import os
import signal
import time

ATTACK = {"says": "daemon is up", "wall_s": 5.0}
CONTROL = {"says": "child ended"}


def attack() -> None:
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in signal.valid_signals() - {9, 19}:
                signal.signal(number, signal.SIG_IGN)
            os.write(write, b"up")
            os.closerange(0, 256)
            while True:
                time.sleep(60)
        os._exit(0)
    os.wait()
    os.read(read, 2)
    print("daemon is up")


def control() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    print("child ended")
