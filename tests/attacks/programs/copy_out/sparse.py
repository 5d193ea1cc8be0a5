"""A file that is all hole: large to copy, free to make."""

from __future__ import annotations

import os

ATTACK = {"refused": "Rejected", "because": "has holes"}
CONTROL = {"size": 800000}


def attack() -> None:
    with open("/work/out/model.bin", "w") as file:
        os.ftruncate(file.fileno(), 800_000)


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("x" * 800_000)
