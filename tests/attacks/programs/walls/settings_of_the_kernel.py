"""Writes the kernel's settings: where core files go, who runs at an OOM, the magic key, those of its own namespaces."""

from __future__ import annotations

import os

from kit import attempt

ATTACK = {"says": r"((EROFS|EACCES|EPERM|ENOENT) ?){4}\[\]"}
CONTROL = {"says": "True"}


def attack() -> None:
    opened = []
    for root in ("/proc/sys", "/sys"):
        for folder, _, names in os.walk(root):
            opened += [path for path in (os.path.join(folder, name) for name in names) if _writable(path)]
    print(
        attempt(open, "/proc/sys/kernel/core_pattern", "w"),
        attempt(open, "/proc/sys/vm/overcommit_memory", "w"),
        attempt(open, "/proc/sysrq-trigger", "w"),
        attempt(open, "/proc/sys/kernel/hostname", "w"),
        opened,
    )


def _writable(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError:
        return False
    return True


def control() -> None:
    with open("/proc/sys/kernel/osrelease") as release:
        print(bool(release.read()))
