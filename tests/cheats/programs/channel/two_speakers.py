"""Leaves a child that answers the following questions, faster than the guest."""

from __future__ import annotations

import os
import time

from kit import frame

CHEAT = {
    "exercise": "rows",
    "verdict": "rejected",
    "caught_by": "rejected",
    "says": "nobody asked for|answers no question|malformed",
}


def ranked(values):
    if os.fork() == 0:
        time.sleep(0.05)
        while True:
            os.write(3, frame({"nonce": "2" * 32, "kind": "value"}, b"\0\0\0\x04null"))
            time.sleep(0.01)
    time.sleep(0.2)
    return values
