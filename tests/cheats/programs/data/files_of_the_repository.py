"""Looks for this repository beside the lab, where judges and cases lie."""

from __future__ import annotations

import os
import sys

CHEAT = {
    "exercise": "rows",
    "verdict": "failed",
    "caught_by": "right_share",
    "log": r"there: \['lab'\]",
}

lab = os.path.realpath(sys.prefix)
root = os.path.dirname(lab)
names = {"lab": lab} | {
    name: f"{root}/{name}"
    for name in ("lessons", "grader", "webapp", "tests", "docs", ".git", "var", "manage.py", "pyproject.toml")
}
print("there:", sorted(name for name, path in names.items() if os.path.exists(path)), flush=True)


def ranked(values):
    return values
