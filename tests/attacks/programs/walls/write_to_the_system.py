"""Writes where the host's programs and settings are."""

from __future__ import annotations

import os

from kit import attempt

ATTACK = {"says": "((EROFS|EACCES|EPERM|ENOENT|EXDEV) ?){9}"}
CONTROL = {"says": "done"}


def attack() -> None:
    print(
        attempt(open, "/usr/bin/new", "w"),
        attempt(open, "/usr/bin/env", "a"),
        attempt(open, "/etc/passwd", "w"),
        attempt(open, "/etc/ld.so.preload", "w"),
        attempt(open, "/new", "w"),
        attempt(os.mkdir, "/dev/new"),
        attempt(os.unlink, "/etc/hosts"),
        attempt(os.chmod, "/usr/bin/env", 0o777),
        attempt(os.rename, "/etc", "/work/etc"),
    )


def control() -> None:
    print(attempt(open, "/tmp/new", "w"))
