"""What else of the host lies in /etc."""

from __future__ import annotations

import os

ATTACK = {"says": r"\[\]"}
CONTROL = {"says": "True"}
EXPECTED = {"alternatives", "group", "hostname", "hosts", "ld.so.cache", "nsswitch.conf", "passwd"}
# Docker's engine puts these there, or an empty file where they would be.
ENGINES = {"resolv.conf", "mtab"}


def attack() -> None:
    print(sorted(set(os.listdir("/etc")) - EXPECTED - ENGINES))


def control() -> None:
    print(set(os.listdir("/etc")) >= EXPECTED - {"alternatives", "ld.so.cache"})
