"""Finds the channel among its sockets in /proc/self/fd and answers ahead of the next question."""

from __future__ import annotations

import os

from kit import frame, sockets

CHEAT = {
    "exercise": "rows",
    "verdict": "rejected",
    "caught_by": "rejected",
    "says": "nobody asked for|answers no question",
}


def ranked(values):
    for number in sockets():
        os.write(number, frame({"nonce": "1" * 32, "kind": "value"}, b"\0\0\0\x04null"))
    return values
