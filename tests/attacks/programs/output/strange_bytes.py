"""Bytes that are no text, and commands for a terminal."""

from __future__ import annotations

import os

# Kept as they are here; who shows them escapes them.
ATTACK = {"says": "\x00\x1b]0;title\x07\x1b\\[2J\ufffd\ufffd\u202e\x00"}
CONTROL = {"says": "ü"}


def attack() -> None:
    os.write(1, b"\0\x1b]0;title\x07\x1b[2J\xff\xfe" + "\u202e".encode() + b"\0")


def control() -> None:
    os.write(1, "ü".encode())
