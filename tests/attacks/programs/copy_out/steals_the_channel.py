"""Speaks on the channel in the guest's place, by the guest's descriptors and its memory."""

from __future__ import annotations

import os

# The honest answer must come through, and the forged one must not.
ATTACK = {"holds": "plain", "lacks": "forged"}
CONTROL = {"holds": "plain"}


def attack() -> None:
    control()
    parent = os.getppid()
    for path in (f"/proc/{parent}/fd/3", f"/proc/{parent}/mem", "/proc/self/fd/3", "/proc/1/fd/3"):
        try:
            with open(path, "r+b", buffering=0) as channel:
                channel.write(b"\0\0\0\x02" + bytes(8) + b"{}")
        except OSError:
            continue
    for number in range(3, 256):
        try:
            os.write(number, b"forged")
        except OSError:
            continue


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("plain")
