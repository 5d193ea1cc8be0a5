"""Types into the terminal of whoever started the box."""

from __future__ import annotations

import fcntl
import os

from kit import attempt

ATTACK = {"says": "EPERM EPERM (ENXIO|ENOENT|EIO|ENODEV|EACCES)"}
CONTROL = {"says": "False"}


def attack() -> None:
    print(
        attempt(fcntl.ioctl, 0, 0x5412, b"x"),
        attempt(fcntl.ioctl, 0, 0x541C, b"\x02"),
        attempt(os.open, "/dev/tty", os.O_RDWR),
    )


def control() -> None:
    print(os.isatty(0))
