"""Leaves modules where the guest might import them."""

from __future__ import annotations

import os

ATTACK = {"holds": "plain", "lacks": "planted"}
CONTROL = {"holds": "plain"}


def attack() -> None:
    os.makedirs("/work/sandbox/guest")
    for name in (
        "json.py",
        "struct.py",
        "stat.py",
        "sandbox/__init__.py",
        "sandbox/guest/frames.py",
        "sitecustomize.py",
    ):
        with open(f"/work/{name}", "w") as file:
            file.write("print('planted')\nraise SystemExit(9)\n")
    control()


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("plain")
