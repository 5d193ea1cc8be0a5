"""Asks to run before everybody else."""

from __future__ import annotations

import os

from kit import attempt, syscall

ATTACK = {"says": "(EACCES|EPERM) (EPERM|ENOSYS) (EPERM|ENOSYS) (EPERM|ENOSYS)"}
CONTROL = {"says": "5"}


def attack() -> None:
    realtime = os.sched_param(50)
    print(
        attempt(os.setpriority, os.PRIO_PROCESS, 0, -10),
        attempt(os.sched_setscheduler, 0, os.SCHED_FIFO, realtime),
        attempt(os.sched_setscheduler, 0, os.SCHED_RR, realtime),
        syscall(251, 1, 0, (1 << 13) | 0),  # ioprio_set, real time
    )


def control() -> None:
    print(os.nice(5))
