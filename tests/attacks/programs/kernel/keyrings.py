"""Keyrings, which boxes of one user would share."""

from __future__ import annotations

from kit import attempt, syscall

ATTACK = {"says": "EPERM EPERM EPERM (EACCES|ENOENT|done)"}
CONTROL = {"says": "done"}


def attack() -> None:
    keys = attempt(open, "/proc/keys")
    print(
        syscall(250, 0, -3, 1),  # keyctl: the session's ring
        syscall(248, b"user", b"rz", b"secret", 6, -4),  # add_key: the user's ring
        syscall(249, b"user", b"rz", 0, -4),  # request_key
        keys,
    )


def control() -> None:
    print(attempt(open, "/proc/self/status"))
