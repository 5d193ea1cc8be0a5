"""The variables of whoever started the box, in every process that it sees."""

from __future__ import annotations

import glob
import os

TARGETS = ["variable"]
ATTACK = {"says": r"False \['HOME', 'LANG', 'PATH', 'PWD', 'TMPDIR'\]"}
CONTROL = {"says": "True"}


def seen() -> str:
    said = " ".join(f"{name}={value}" for name, value in os.environ.items())
    for name in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(name, "rb") as file:
                said += file.read().decode(errors="replace")
        except OSError:
            continue
    return said


def attack(backwards: str) -> None:
    print(backwards[::-1] in seen(), sorted({*os.environ, "PWD"}))


def control() -> None:
    os.environ["PLANTED"] = "found-" + "it"
    print("found-it" in seen())
