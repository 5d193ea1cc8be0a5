"""A pipe that nobody writes to: who opens it waits."""

from __future__ import annotations

import os

ATTACK = {"refused": "Rejected", "because": "not a plain file", "wall_s": 8.0}
CONTROL = {"holds": "plain"}


def attack() -> None:
    os.mkfifo("/work/out/model.bin")


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("plain")
