"""The folder of all outputs was removed, or is a file."""

from __future__ import annotations

import os

ATTACK = {"refused": "Rejected|Crashed|WrongAnswer"}
CONTROL = {"refused": "WrongAnswer", "because": "without writing"}


def attack() -> None:
    os.rmdir("/work/out")
    with open("/work/out", "w") as file:
        file.write("model")


def control() -> None:
    pass
