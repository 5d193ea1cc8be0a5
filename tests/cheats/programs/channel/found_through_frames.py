"""Reads the nonce from the caller's frame and answers the question twice."""

from __future__ import annotations

import os
import sys

from kit import asked, frame, honest

CHEAT = {
    "exercise": "rows",
    "verdict": "rejected",
    "caught_by": "rejected",
    "says": "nobody asked for|answers no question",
}


def ranked(values):
    answer = honest(values)
    os.write(3, frame({"nonce": asked(), "kind": "value"}, sys.modules["__main__"].encode(answer)))
    return answer
