"""Sends its answer a byte at a time for ever, so that no single wait is long."""

from __future__ import annotations

import os
import time

from kit import asked, frame

CHEAT = {"exercise": "rows", "verdict": "timed_out", "caught_by": "timed_out", "says": "longer than 4 seconds"}


def ranked(values):
    for byte in frame({"nonce": asked(), "kind": "value"}, b"\0\0\0\x04null" + bytes(1000)):
        os.write(3, bytes([byte]))
        time.sleep(0.2)
