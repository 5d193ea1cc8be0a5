"""The folders of other processes by /proc/*/root, cwd, exe and map_files."""

from __future__ import annotations

import glob
import os

TARGETS = ["secret_file"]
ATTACK = {"says": r"\[\]", "lacks": "rz-host-secret"}
CONTROL = {"says": "True"}


def attack(path: str) -> None:
    found = []
    for process in [*glob.glob("/proc/[0-9]*"), "/proc/self", "/proc/thread-self"]:
        for way in ("root", "cwd", "root/proc/1/root", f"cwd/{'../' * 30}"):
            if os.path.exists(f"{process}/{way}{path}"):
                found.append(f"{process}/{way}")
    print(found)


def control() -> None:
    print(os.path.exists("/proc/self/root/work/program.py"))
