"""Answers with lists in lists that need a hundred times their bytes of the judge's memory."""

from __future__ import annotations

import os

from kit import asked, frame

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "failed", "says": "more than 2000000 items"}


def ranked(values):
    group = b"[" * 40 + b"]" * 40
    tree = b"[" + b",".join([group] * ((60 << 20) // 81)) + b"]"
    answer = memoryview(frame({"nonce": asked(), "kind": "value"}, len(tree).to_bytes(4, "big") + tree))
    while answer:
        answer = answer[os.write(3, answer) :]
    return values
