"""A folder in the file's place."""

from __future__ import annotations

import os

ATTACK = {"refused": "Rejected", "because": "not a plain file"}
CONTROL = {"holds": "plain"}


def attack() -> None:
    os.mkdir("/work/out/model.bin")


def control() -> None:
    os.mkdir("/work/out/model")
    with open("/work/out/model.bin", "w") as file:
        file.write("plain")
