"""Code in the kernel, and another kernel."""

from __future__ import annotations

from kit import syscall

ATTACK = {"says": "EPERM EPERM EPERM EPERM EPERM"}
CONTROL = {"says": "done"}


def attack() -> None:
    print(
        syscall(175, 0, 0, b""),
        syscall(313, 0, b"", 0),
        syscall(176, b"loop", 0),
        syscall(246, 0, 0, 0, 0),
        syscall(320, 0, 0, 0, 0, 0),
    )


def control() -> None:
    print(syscall(63, bytes(400)))  # uname
