"""Reads the list of mounts: it must not tell where the host keeps other boxes."""

from __future__ import annotations

import sys

ATTACK = {"says": "0 foreign"}
CONTROL = {"says": "True"}


def attack() -> None:
    with open("/proc/self/mountinfo") as mounts:
        points = [line.split()[4] for line in mounts]
    known = (
        "/",
        "/proc",
        "/dev",
        "/sys",
        "/etc",
        "/usr",
        "/tmp",
        "/work",
        "/lib",
        "/bin",
        "/sbin",
        "/root",
        "/opt",
        "/home",
        "/run/rankzero",
        "/.rankzero",
        sys.prefix,  # the interpreter's own, wherever the project and Python are installed
        sys.base_prefix,
    )
    print(len([point for point in points if not point.startswith(known[1:]) and point != "/"]), "foreign")


def control() -> None:
    with open("/proc/self/mountinfo") as mounts:
        print(any(line.split()[4] == "/work" for line in mounts))
