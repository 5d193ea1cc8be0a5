"""Writes an answer of its own on every descriptor it has, before it is asked."""

from __future__ import annotations

import contextlib
import os

from kit import frame

CHEAT = {
    "exercise": "rows",
    "verdict": "rejected",
    "caught_by": "rejected",
    "says": "nobody asked for|answers no question",
}

for number in range(3, 256):
    with contextlib.suppress(OSError):
        os.write(number, frame({"nonce": "0" * 32, "kind": "value"}, b"\0\0\0\x04null"))


def ranked(values):
    return values
