"""Tries to set the machine's clocks, its own priority and its own accounts."""

from __future__ import annotations

import os
import resource
import time

from kit import slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup", "log": r"\[out\] done \[\]"}


def attempt(name, action):
    try:
        action()
    except (OSError, ValueError):
        return []
    return [name]


done = attempt("clock", lambda: time.clock_settime(time.CLOCK_REALTIME, 0))
done += attempt("nice", lambda: os.setpriority(os.PRIO_PROCESS, 0, -20))
done += attempt(
    "limit",
    lambda: (
        resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))
        if resource.getrlimit(resource.RLIMIT_CPU) != (-1, -1)
        else os.stat("/nowhere")
    ),
)
for folder in ("/sys/fs/cgroup", "/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/cpu"):
    for file in ("cgroup.procs", "cpuacct.usage", "cpu.stat", "tasks"):
        done += attempt(f"{folder}/{file}", lambda path=f"{folder}/{file}": open(path, "r+").write("0"))
print("done", done, flush=True)
chain = slow
