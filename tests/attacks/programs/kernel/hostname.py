"""Another name for the host."""

from __future__ import annotations

import socket

from kit import attempt, syscall

SPEC = {"hostname": "learner-7"}
ATTACK = {"says": "EPERM EPERM learner-7"}
CONTROL = {"says": "learner-7 127.0.0.1"}


def attack() -> None:
    print(attempt(socket.sethostname, "other"), syscall(171, b"x", 1), socket.gethostname())


def control() -> None:
    print(socket.gethostname(), socket.gethostbyname(socket.gethostname()))
