"""The newer calls for mounts."""

from __future__ import annotations

import os

from kit import syscall

ATTACK = {"says": "EPERM EPERM EPERM EPERM EPERM"}
CONTROL = {"says": "done"}


def attack() -> None:
    print(
        syscall(428, -100, b"/", 1),  # open_tree, cloning
        syscall(430, b"tmpfs", 0),  # fsopen
        syscall(433, -100, b"/", 0),  # fspick
        syscall(429, -100, b"/usr", -100, b"/tmp", 0),  # move_mount
        syscall(442, -100, b"/usr", 0, bytes(32), 32),  # mount_setattr
    )


def control() -> None:
    os.close(os.open("/usr", os.O_PATH))
    print("done")
