"""Looks for what the grader may have left behind: files, shared memory, message queues, sockets."""

from __future__ import annotations

import os
import sys

CHEAT = {
    "exercise": "rows",
    "verdict": "failed",
    "caught_by": "right_share",
    "log": r"left \[\] of its own \['kit.py'\]",
}

left = [
    name
    for place in ("/tmp", "/dev/shm", "/dev/mqueue", "/run", "/var/tmp", "/var/run")
    if os.path.isdir(place)
    for name in os.listdir(place)
    # The interpreter's own folders are there for everybody, and may lie in /tmp.
    if name not in {"fonts.conf", "shm"} and not f"{sys.prefix}/".startswith(f"{place}/{name}/")
]
with open("/proc/net/unix") as file:
    left += [line.split()[-1] for line in file if "@" in line or "boxd" in line]
print("left", left, "of its own", [name for name in os.listdir("/work") if name == "kit.py"], flush=True)


def ranked(values):
    return values
