"""Leaves messages wherever something could last; the next box must find none."""

from __future__ import annotations

import os

from kit import attempt, syscall

ATTACK = {"says": r"\[\]"}
CONTROL = {"says": "5 found"}
PLACES = ("/tmp/rz-message", "/dev/shm/rz-message", "/work/rz-message", "/tmp/.rz-lock", "/dev/shm/sem.rz-message")


def plant() -> None:
    for path in PLACES:
        with open(path, "w") as file:
            file.write("from the box before")
    for path in ("/var/tmp", "/run", "/run/lock", "/var/lock", "/dev/mqueue", os.path.expanduser("~")):
        attempt(open, f"{path}/rz-message", "w")
    syscall(29, 0x525A, 4096, 0o1666)


def found() -> list[str]:
    there = [path for path in PLACES if os.path.exists(path)]
    there += [
        path for path in ("/var/tmp/rz-message", "/run/rz-message", "/dev/mqueue/rz-message") if os.path.exists(path)
    ]
    try:
        with open("/proc/sysvipc/shm") as memory:
            there += [line for line in memory if str(0x525A) in line]
    except OSError:
        pass
    return there


def before() -> None:
    plant()


def attack() -> None:
    print(found())


def control() -> None:
    plant()
    print(len(found()), "found")
