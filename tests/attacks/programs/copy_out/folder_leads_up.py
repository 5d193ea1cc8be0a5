"""A folder on the way is a link that goes up."""

from __future__ import annotations

import os

OUTPUT = "deep/main.py"
ATTACK = {"refused": "Rejected", "because": "is a link"}
CONTROL = {"holds": "model"}


def attack() -> None:
    os.symlink("../../work/out/..", "/work/out/deep")


def control() -> None:
    os.mkdir("/work/out/deep")
    with open("/work/out/deep/main.py", "w") as file:
        file.write("model")
