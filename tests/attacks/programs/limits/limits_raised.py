"""Tries to raise every limit that it was given."""

from __future__ import annotations

import resource

SPEC = {"cpu_s": 5.0}
ATTACK = {"says": "refused refused refused"}
CONTROL = {"says": "lowered"}


def attack() -> None:
    names = ("RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_CORE")
    for number in (getattr(resource, name) for name in names):
        _, hard = resource.getrlimit(number)
        try:
            resource.setrlimit(number, (hard, hard + 1000))
            print("raised", number)
        except (ValueError, OSError):
            print("refused", end=" ")


def control() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
    print("lowered" if resource.getrlimit(resource.RLIMIT_NOFILE) == (20, 20) else "not lowered")
