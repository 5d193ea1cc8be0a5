"""A device, by the only way to have one there: a link; and a folder of devices."""

from __future__ import annotations

import os

OUTPUT = "dev/zero"
ATTACK = {"refused": "Rejected", "because": "is a link"}
CONTROL = {"holds": "zero"}


def attack() -> None:
    os.symlink("/dev", "/work/out/dev")


def control() -> None:
    os.mkdir("/work/out/dev")
    with open("/work/out/dev/zero", "w") as file:
        file.write("zero")
