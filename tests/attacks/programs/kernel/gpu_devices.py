"""Makes the nodes of graphics cards that were not given to it."""

from __future__ import annotations

import os
import stat

from kit import attempt

ATTACK = {"says": r"EPERM EPERM EPERM \[\]"}
CONTROL = {"says": r"\['full', 'null', 'random', 'shm', 'urandom', 'zero'\]"}


def attack() -> None:
    print(
        attempt(os.mknod, "/tmp/nvidia0", stat.S_IFCHR | 0o666, os.makedev(195, 0)),
        attempt(os.mknod, "/tmp/nvidiactl", stat.S_IFCHR | 0o666, os.makedev(195, 255)),
        attempt(os.mknod, "/tmp/card0", stat.S_IFCHR | 0o666, os.makedev(226, 0)),
        [name for name in os.listdir("/dev") if name.startswith(("nvidia", "dri", "kfd"))],
    )


def control() -> None:
    wanted = {"null", "zero", "full", "random", "urandom", "shm"}
    print(sorted(wanted & set(os.listdir("/dev"))))
