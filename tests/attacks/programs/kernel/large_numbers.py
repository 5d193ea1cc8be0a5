"""Numbers that no call has: the filter must not wrap around, and the kernel must say no."""

from __future__ import annotations

from kit import syscall

# libseccomp, with which engines compile filters, ends the process for what it takes for another architecture.
ATTACK = {"status": ["exited", "signalled"], "signal": 31, "says": "((ENOSYS ?){7})?"}
CONTROL = {"says": "done"}


def attack() -> None:
    print(*(syscall(number) for number in (-1, 0x7FFFFFFF, 0xFFFFFFFF, 500, 1000, 0x40000000 - 1, 400)))


def control() -> None:
    print(syscall(186))  # gettid
