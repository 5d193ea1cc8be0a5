"""Takes back the promise that no program gives privileges."""

from __future__ import annotations

from kit import libc, syscall

ATTACK = {"says": "EINVAL 1 (EPERM|EINVAL)"}
CONTROL = {"says": "1 2"}


def attack() -> None:
    print(syscall(157, 38, 0, 0, 0, 0), libc.prctl(39, 0, 0, 0, 0), syscall(157, 28, 0, 0, 0, 0))


def control() -> None:
    print(libc.prctl(39, 0, 0, 0, 0), libc.prctl(21, 0, 0, 0, 0))
