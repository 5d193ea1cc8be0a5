"""The file to hand over is a symbolic link to another."""

from __future__ import annotations

import os

ATTACK = {"refused": "Rejected", "because": "is a link"}
CONTROL = {"holds": "model"}


def attack() -> None:
    os.symlink("/etc/passwd", "/work/out/model.bin")


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("model")
