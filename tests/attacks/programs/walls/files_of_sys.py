"""The host's devices, firmware, cgroups and modules by way of /sys."""

from __future__ import annotations

import os

from kit import attempt

ATTACK = {"says": r"((EROFS|EACCES|EPERM|ENOENT) ?){4}\[\]"}
CONTROL = {"says": "done"}


def attack() -> None:
    groups = []
    for folder, _, names in os.walk("/sys/fs/cgroup"):
        groups += [os.path.join(folder, name) for name in names if os.access(os.path.join(folder, name), os.W_OK)]
    print(
        attempt(open, "/sys/kernel/uevent_helper", "w"),
        attempt(open, "/sys/fs/cgroup/release_agent", "w"),
        attempt(open, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "w"),
        attempt(os.listdir, "/sys/firmware/efi"),
        groups,
    )


def control() -> None:
    print(attempt(open, "/proc/self/cgroup"))
