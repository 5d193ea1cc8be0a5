"""Looks for devices beyond those that every program needs, and opens what it finds."""

from __future__ import annotations

import os

ATTACK = {"says": r"\[\]"}
CONTROL = {"says": "16 0 28"}


def attack() -> None:
    harmless = {"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx"}
    opened = []
    for folder, _, names in os.walk("/dev"):
        for name in set(names) - harmless:
            path = os.path.join(folder, name)
            if os.path.islink(path) or folder.startswith(("/dev/shm", "/dev/mqueue")):
                continue
            try:
                os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
                opened.append(path)
            except OSError:
                continue
    print(opened)


def control() -> None:
    with open("/dev/urandom", "rb") as random, open("/dev/null", "rb") as null:
        print(len(random.read(16)), len(null.read(1)), end=" ")
    try:
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"x")
    except OSError as error:
        print(error.errno)
