"""Neighbours whose names are newlines, escapes, no text, or 255 bytes long."""

from __future__ import annotations

ATTACK = {"holds": "plain"}
CONTROL = {"holds": "plain"}


def attack() -> None:
    names = [b"a\nb", b"\x1b[2J", b"\xff\xfe", b"-rf", b"x" * 255, "ü".encode() * 127, b"model.bin\n", b" ", b"..."]
    for name in names:
        with open(b"/work/out/" + name, "w") as file:
            file.write("x")
    control()


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("plain")
