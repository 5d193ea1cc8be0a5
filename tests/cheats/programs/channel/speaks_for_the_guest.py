"""Kills the guest and goes on speaking on its channel, from a child."""

from __future__ import annotations

import os
import signal
import time

from kit import asked, frame

CHEAT = {
    "exercise": "rows",
    "verdict": "crashed",
    "caught_by": "crashed",
    "says": "SIGKILL|signal 9|exit code 137",
}


def ranked(values):
    guest, nonce = os.getpid(), asked()
    if os.fork() == 0:
        os.kill(guest, signal.SIGKILL)
        time.sleep(0.2)
        os.write(3, frame({"nonce": nonce, "kind": "value"}, b"\0\0\0\x04null"))
        time.sleep(60)
    time.sleep(60)
