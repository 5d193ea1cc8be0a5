"""A file that its owner may not read."""

from __future__ import annotations

import os

ATTACK = {"refused": "Rejected|WrongAnswer"}
CONTROL = {"holds": "plain"}


def attack() -> None:
    control()
    os.chmod("/work/out/model.bin", 0)


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("plain")
    os.chmod("/work/out/model.bin", 0o400)
