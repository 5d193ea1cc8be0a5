"""Opens the launcher's memory, descriptors and environment, to write its answer there."""

from __future__ import annotations

import os

CHEAT = {
    "exercise": "adapter",
    "verdict": "failed",
    "caught_by": "failed",
    "says": "without writing",
    "log": r"\[out\] opened 0 of 4, of its own 4",
}


def opened(process):
    count = 0
    for name in ("mem", "fd", "environ", "maps"):
        try:
            path = f"/proc/{process}/{name}"
            if name == "fd":
                os.listdir(path)
            else:
                os.close(os.open(path, os.O_RDONLY))
            count += 1
        except OSError:
            continue
    return count


print(f"opened {opened(os.getppid())} of 4, of its own {opened('self')}")
