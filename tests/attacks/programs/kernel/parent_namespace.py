"""Asks a namespace for its parent and its owner, and for a door to either."""

from __future__ import annotations

import fcntl
import os

from kit import attempt

ATTACK = {"says": "(EPERM|ENOTTY) (EPERM|ENOTTY)"}
CONTROL = {"says": "[0-9]+"}


def attack() -> None:
    own = os.open("/proc/self/ns/user", os.O_RDONLY)
    print(attempt(fcntl.ioctl, own, 0xB701), attempt(fcntl.ioctl, own, 0xB702))  # NS_GET_USERNS, NS_GET_PARENT


def control() -> None:
    print(os.stat("/proc/self/ns/user").st_ino)
