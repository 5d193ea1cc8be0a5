"""Dies with all of its memory, and would leave it as a file."""

from __future__ import annotations

import os
import resource

ATTACK = {"status": "signalled", "signal": 6, "says": r"\(0, 0\)"}
CONTROL = {"says": r"\[\] 6"}


def attack() -> None:
    print(resource.getrlimit(resource.RLIMIT_CORE), flush=True)
    os.abort()


def control() -> None:
    pid = os.fork()
    if pid == 0:
        os.abort()
    _, status = os.waitpid(pid, 0)
    print([name for name in os.listdir("/work") if "core" in name], os.WTERMSIG(status))
