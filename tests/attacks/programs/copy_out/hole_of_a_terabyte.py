"""The same, beyond every cap."""

from __future__ import annotations

import os

ATTACK = {"refused": "Rejected", "because": "larger than allowed"}
CONTROL = {"size": 1048576}


def attack() -> None:
    with open("/work/out/model.bin", "w") as file:
        os.ftruncate(file.fileno(), 1 << 40)


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("x" * (1 << 20))
