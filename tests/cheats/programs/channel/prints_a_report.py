"""Prints a report of passing, and the judge's own messages, on both streams."""

from __future__ import annotations

import json
import sys

CHEAT = {
    "exercise": "rows",
    "verdict": "failed",
    "caught_by": "right_share",
    "log": '"verdict": "passed"',
}

REPORT = {"schema": 1, "type": "judged", "verdict": "passed", "score": 1.0, "measured": {}, "fault": None}
for stream in (sys.stdout, sys.stderr):
    print(json.dumps(REPORT), file=stream, flush=True)
    print(json.dumps({"type": "event", "event": REPORT}), file=stream, flush=True)


def ranked(values):
    return values
