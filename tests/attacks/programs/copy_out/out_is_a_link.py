"""The folder of all outputs is itself a link."""

from __future__ import annotations

import os

OUTPUT = "passwd"
ATTACK = {"refused": "Rejected|Crashed|WrongAnswer"}
CONTROL = {"holds": "model"}


def attack() -> None:
    os.rmdir("/work/out")
    os.symlink("/etc", "/work/out")


def control() -> None:
    os.rmdir("/work/out")
    os.mkdir("/work/out")
    with open("/work/out/passwd", "w") as file:
        file.write("model")
