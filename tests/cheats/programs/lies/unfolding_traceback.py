"""Tells of an error in a traceback that needs a hundred times its bytes of the judge's memory."""

from __future__ import annotations

import os

from kit import asked, frame

CHEAT = {"exercise": "rows", "verdict": "rejected", "caught_by": "rejected", "says": "malformed report"}


def ranked(values):
    group = b"[" * 40 + b"]" * 40
    answer = memoryview(
        frame({"nonce": asked(), "kind": "error"}, b"[" + b",".join([group] * ((60 << 20) // 81)) + b"]")
    )
    while answer:
        answer = answer[os.write(3, answer) :]
    return values
