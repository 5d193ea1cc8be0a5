"""A folder on the way is a link to the outside."""

from __future__ import annotations

import os

OUTPUT = "deep/passwd"
ATTACK = {"refused": "Rejected", "because": "is a link"}
CONTROL = {"holds": "model"}


def attack() -> None:
    os.symlink("/etc", "/work/out/deep")


def control() -> None:
    os.mkdir("/work/out/deep")
    with open("/work/out/deep/passwd", "w") as file:
        file.write("model")
