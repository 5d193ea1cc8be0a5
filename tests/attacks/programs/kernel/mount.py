"""New mounts: tmpfs, proc, a bind, overlay, and taking away read-only."""

from __future__ import annotations

from kit import syscall

ATTACK = {"says": "EPERM EPERM EPERM EPERM EPERM"}
CONTROL = {"says": "tmpfs"}


def attack() -> None:
    print(
        syscall(165, b"none", b"/tmp", b"tmpfs", 0, 0),
        syscall(165, b"none", b"/tmp", b"proc", 0, 0),
        syscall(165, b"/usr", b"/tmp", b"", 0x1000, 0),
        syscall(165, b"none", b"/tmp", b"overlay", 0, b"lowerdir=/usr,upperdir=/work,workdir=/work"),
        syscall(165, b"none", b"/usr", b"", 0x1020, 0),
    )


def control() -> None:
    with open("/proc/self/mounts") as mounts:
        print(next(line.split()[2] for line in mounts if line.split()[1] == "/tmp"))
