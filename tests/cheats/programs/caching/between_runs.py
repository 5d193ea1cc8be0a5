"""Leaves its answers in every place that it can write, for the next box or run to find."""

from __future__ import annotations

import glob
import os

import numpy as np
from kit import honest

CHEAT = {
    "exercise": "rows",
    "verdict": "failed",
    "caught_by": "right_share",
    "log": r"(?s)\A(?!.*found \['/).*found \[\], left \['/tmp', '/dev/shm', '/work'\]",
}

PLACES = ("/tmp", "/dev/shm", "/work", os.path.dirname(os.__file__), "/opt/rankzero", "/assets", "/var/tmp")
found = [path for place in PLACES for path in glob.glob(f"{place}/answer-*")]
left = []
for place in PLACES:
    try:
        with open(f"{place}/answer-0", "wb") as file:
            file.write(b"x")
        left.append(place)
    except OSError:
        continue
print(f"found {found}, left {left}", flush=True)


def ranked(values):
    for place in left:
        np.save(f"{place}/answer-{values[0, 0]}", honest(values))
    return np.load(found[0]) if found else values
