"""The machine's memory as a file, and the kernel's addresses."""

from __future__ import annotations

import os

ATTACK = {"says": "closed closed closed closed closed addresses hidden"}
CONTROL = {"says": "True"}


def attack() -> None:
    for path in ("/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore", "/dev/kmsg"):
        try:
            with open(path, "rb") as file:
                print("closed" if not file.read(16) else f"read {path}", end=" ")
        except OSError:
            print("closed", end=" ")
    try:
        with open("/proc/kallsyms") as symbols:
            print("addresses hidden" if {line.split()[0].strip("0") for line in symbols} == {""} else "addresses")
    except OSError:
        print("addresses hidden")


def control() -> None:
    with open("/proc/self/mem", "rb") as own:
        own.seek(id(os))
        print(len(own.read(16)) == 16)
