"""Becomes another program: walls and limits stay."""

from __future__ import annotations

import os

ATTACK = {"says": "10001 Seccomp:[^0-9]*2 NoNewPrivs:[^0-9]*1"}
CONTROL = {"says": "10001"}


def attack() -> None:
    script = "echo $(id -u) $(grep Seccomp: /proc/self/status) $(grep NoNewPrivs /proc/self/status)"
    os.execve("/bin/sh", ["sh", "-c", script], {"PATH": "/usr/bin:/bin", "LD_PRELOAD": ""})


def control() -> None:
    os.execv("/usr/bin/id", ["id", "-u"])
