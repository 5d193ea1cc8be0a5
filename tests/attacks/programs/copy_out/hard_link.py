"""The file to hand over is another name for a file that lies elsewhere."""

from __future__ import annotations

import os

ATTACK = {"refused": "Rejected", "because": "is a link"}
CONTROL = {"holds": "own"}


def attack() -> None:
    os.link("/work/main.py", "/work/out/model.bin")


def control() -> None:
    with open("/work/out/other", "w") as file:
        file.write("own")
    os.rename("/work/out/other", "/work/out/model.bin")
