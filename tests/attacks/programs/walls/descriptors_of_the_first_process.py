"""Opens what the box's first process holds: pipes to the host, perhaps a socket of the engine."""

from __future__ import annotations

import os

ATTACK = {"says": r"\[\]"}
CONTROL = {"says": r"\[0, 1, 2, 3\]"}


def attack() -> None:
    strange = []
    try:
        held = os.listdir("/proc/1/fd")
    except PermissionError:
        held = []
    for number in held:
        try:
            target = os.readlink(f"/proc/1/fd/{number}")
        except OSError:
            continue
        if not target.startswith(("pipe:", "socket:", "anon_inode:", "/dev/null", "/proc")):
            strange.append(target)
    print(strange)


def control() -> None:
    listing = os.open("/proc/self/fd", os.O_RDONLY)
    print(sorted(int(name) for name in os.listdir(listing) if int(name) not in {listing, listing + 1}))
