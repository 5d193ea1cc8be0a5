"""Walks its own stack outwards, to the judge that called it."""

from __future__ import annotations

import sys

CHEAT = {
    "exercise": "rows",
    "verdict": "failed",
    "caught_by": "right_share",
    "log": r"beyond the guest \[\] of [1-9]",
}


def ranked(values):
    at, files = sys._getframe().f_back, []
    while at is not None:
        if not at.f_code.co_filename.startswith("<"):
            files.append(at.f_code.co_filename)
        at = at.f_back
    beyond = [name for name in files if not name.startswith(("/opt/rankzero/", "/opt/rankzero-warm/"))]
    print("beyond the guest", beyond, "of", len(files), flush=True)
    return values
