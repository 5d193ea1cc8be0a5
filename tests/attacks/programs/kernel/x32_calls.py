"""The same calls by their x32 numbers, which a careless filter lets through."""

from __future__ import annotations

from kit import syscall

# libseccomp, with which engines compile filters, ends the process for another architecture.
ATTACK = {"status": ["exited", "signalled"], "signal": 31, "says": "(ENOSYS ENOSYS ENOSYS)?"}
CONTROL = {"says": "done"}


def attack() -> None:
    bit = 0x40000000
    print(syscall(bit | 39), syscall(bit | 272, 0x10000000), syscall(bit | 521, 0, 0, 0, 0))


def control() -> None:
    print(syscall(39))
