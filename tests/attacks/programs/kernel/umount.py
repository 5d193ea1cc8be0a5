"""Takes mounts away, for what may lie below."""

from __future__ import annotations

import os

from kit import syscall

ATTACK = {"says": "EPERM EPERM EPERM"}
CONTROL = {"says": "True"}


def attack() -> None:
    print(syscall(166, b"/work", 2), syscall(166, b"/proc", 2), syscall(166, b"/usr", 2))


def control() -> None:
    print(os.path.ismount("/work"))
