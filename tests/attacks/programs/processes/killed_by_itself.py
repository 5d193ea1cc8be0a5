"""Ends itself by a signal, as if the machine had done so."""

from __future__ import annotations

import os
import signal

ATTACK = {"status": "signalled", "signal": 9, "says": "now"}
CONTROL = {"says": "now"}


def attack() -> None:
    print("now", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def control() -> None:
    print("now", flush=True)
    os._exit(0)
