"""Another root."""

from __future__ import annotations

import os

from kit import syscall

ATTACK = {"says": "EPERM EPERM"}
CONTROL = {"says": "/work"}


def attack() -> None:
    print(syscall(155, b"/work", b"/work"), syscall(155, b".", b"."))


def control() -> None:
    os.chdir("/work")
    print(os.getcwd())
