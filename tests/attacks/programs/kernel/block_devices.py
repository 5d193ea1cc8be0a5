"""Makes devices: a disk, the machine's memory, a terminal, a network tunnel."""

from __future__ import annotations

import os
import stat

from kit import attempt

ATTACK = {"says": "EPERM EPERM EPERM EPERM"}
CONTROL = {"says": "done True"}


def attack() -> None:
    disk, memory, terminal, tunnel = (os.makedev(*numbers) for numbers in ((8, 0), (1, 1), (5, 0), (10, 200)))
    print(
        attempt(os.mknod, "/tmp/disk", stat.S_IFBLK | 0o666, disk),
        attempt(os.mknod, "/work/memory", stat.S_IFCHR | 0o666, memory),
        attempt(os.mknod, "/dev/shm/terminal", stat.S_IFCHR | 0o666, terminal),
        attempt(os.mknod, "/tmp/tunnel", stat.S_IFCHR | 0o666, tunnel),
    )


def control() -> None:
    print(attempt(os.mkfifo, "/tmp/fifo"), stat.S_ISFIFO(os.stat("/tmp/fifo").st_mode))
