"""One byte more than allowed."""

from __future__ import annotations

ATTACK = {"refused": "Rejected", "because": "larger than allowed"}
CONTROL = {"size": 1048576}


def write(size: int) -> None:
    with open("/work/out/model.bin", "wb") as file:
        file.write(b"x" * size)


def attack() -> None:
    write((1 << 20) + 1)


def control() -> None:
    write(1 << 20)
