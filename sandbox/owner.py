"""Names that tell whose a leftover is, and whether its owner still lives."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

OWNER_PREFIX = "rankzero-"


def owner_name() -> str:
    """This process as a name: pid namespace, pid and start time, so that a reused pid is no confusion."""
    return f"{OWNER_PREFIX}{_pid_namespace()}-{os.getpid()}-{start_ticks(os.getpid())}"


def owner_is_dead(name: str) -> bool:
    """Whether `name` names a process of our pid namespace that has ended. Others' names are never judged dead."""
    parts = name.removeprefix(OWNER_PREFIX).split("-")
    if not name.startswith(OWNER_PREFIX) or len(parts) != 3 or not all(part.isdigit() for part in parts):
        return False
    namespace, pid, ticks = (int(part) for part in parts)
    return namespace == _pid_namespace() and start_ticks(pid) != ticks


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def kill_all(pids: Sequence[int]) -> None:
    """SIGKILL each; one that is gone already is fine."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _pid_namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino
