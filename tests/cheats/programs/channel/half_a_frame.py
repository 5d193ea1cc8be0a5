"""Sends half a frame and keeps the judge waiting."""

from __future__ import annotations

import os
import time

from kit import asked, frame

CHEAT = {"exercise": "rows", "verdict": "timed_out", "caught_by": "timed_out", "says": "longer than 4 seconds"}


def ranked(values):
    os.write(3, frame({"nonce": asked(), "kind": "value"}, b"\0\0\0\x04null")[:-2])
    time.sleep(60)
