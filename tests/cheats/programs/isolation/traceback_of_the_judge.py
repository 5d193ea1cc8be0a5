"""Walks its own stack outwards, to the judge that called it."""

from __future__ import annotations

import sys

CHEAT = {
    "exercise": "rows",
    "verdict": "failed",
    "caught_by": "right_share",
    "log": r"frames \['/opt/rankzero/sandbox/guest/call.py'\]",
}


def ranked(values):
    at, files = sys._getframe().f_back, []
    while at is not None:
        if not at.f_code.co_filename.startswith("<"):
            files.append(at.f_code.co_filename)
        at = at.f_back
    print("frames", sorted(set(files)), flush=True)
    return values
