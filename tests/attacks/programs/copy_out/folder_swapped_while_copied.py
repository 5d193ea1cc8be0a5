"""The same with a folder on the way."""

from __future__ import annotations

import os

OUTPUT = "deep/passwd"
ATTACK = {"refused": "Rejected|WrongAnswer|Crashed", "at_most": 5, "lacks": "learner"}
CONTROL = {"holds": "plain"}


def attack() -> None:
    control()
    os.symlink("/etc", "/work/out/link")
    if os.fork() == 0:
        os.setsid()
        for number in (1, 2):
            os.close(number)
        while True:
            os.rename("/work/out/deep", "/work/out/kept")
            os.rename("/work/out/link", "/work/out/deep")
            os.rename("/work/out/deep", "/work/out/link")
            os.rename("/work/out/kept", "/work/out/deep")


def control() -> None:
    os.mkdir("/work/out/deep")
    with open("/work/out/deep/passwd", "w") as file:
        file.write("plain")
