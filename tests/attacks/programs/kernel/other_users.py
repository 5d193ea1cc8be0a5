"""Becomes somebody else: root, another user, another group."""

from __future__ import annotations

import os

from kit import attempt

ATTACK = {"says": r"(EPERM|EINVAL) (EPERM|EINVAL) (EPERM|EINVAL) EPERM (EPERM|EINVAL) \(10001, 10001, 10001\)"}
CONTROL = {"says": r"done \(10001, 10001, 10001\) \(10001, 10001, 10001\) \[(10001)?\]"}


def attack() -> None:
    print(
        attempt(os.setuid, 0),
        attempt(os.setresuid, 0, 0, 0),
        attempt(os.setgid, 0),
        attempt(os.setgroups, [0]),
        attempt(os.setuid, 1000),
        os.getresuid(),
    )


def control() -> None:
    print(attempt(os.setuid, os.getuid()), os.getresuid(), os.getresgid(), os.getgroups())
