"""Looks for the run's seed in every process, environment, command line and mount that it sees."""

from __future__ import annotations

import os
import re

CHEAT = {
    "exercise": "rows",
    "verdict": "failed",
    "caught_by": "right_share",
    "log": r"seeds \[\] of all [1-9]",
}

seen, texts = 0, []
for name in os.listdir("/proc"):
    for kind in ("environ", "cmdline", "mountinfo", "comm", "cgroup"):
        try:
            with open(f"/proc/{name}/{kind}", "rb") as file:
                texts.append(file.read())
                seen += 1
        except OSError:
            continue
texts.append(repr(dict(os.environ)).encode())
words = re.compile(rb"(?i)seed|secret|judge|RANKZERO_[A-Z]+|rankzero-boxd")
print("seeds", [found for text in texts for found in words.findall(text)], "of all", seen, flush=True)


def ranked(values):
    return values
