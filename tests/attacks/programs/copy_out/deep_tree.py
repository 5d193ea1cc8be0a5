"""A tree 10,000 folders deep beside the file."""

from __future__ import annotations

import os

ATTACK = {"holds": "plain"}
CONTROL = {"holds": "plain"}


def attack() -> None:
    control()
    os.chdir("/work/out")
    for _ in range(10_000):
        os.mkdir("d")
        os.chdir("d")


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("plain")
