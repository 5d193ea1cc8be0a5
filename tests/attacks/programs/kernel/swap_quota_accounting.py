"""The machine's swap, quotas, accounting and log."""

from __future__ import annotations

import resource

from kit import syscall

ATTACK = {"says": "EPERM EPERM EPERM EPERM EPERM"}
CONTROL = {"says": "True"}


def attack() -> None:
    print(
        syscall(167, b"/work/x", 0),
        syscall(168, b"/work/x"),
        syscall(163, b"/work/x"),
        syscall(179, 0, b"x", 0, 0),
        syscall(103, 3, bytes(100), 100),
    )


def control() -> None:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0)
