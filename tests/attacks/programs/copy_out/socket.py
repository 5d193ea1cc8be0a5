"""A socket."""

from __future__ import annotations

import socket

ATTACK = {"refused": "Rejected", "because": "not a plain file"}
CONTROL = {"holds": "plain"}


def attack() -> None:
    socket.socket(socket.AF_UNIX).bind("/work/out/model.bin")


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("plain")
