"""Twenty thousand files beside the one to hand over."""

from __future__ import annotations

ATTACK = {"holds": "plain"}
CONTROL = {"holds": "plain"}


def attack() -> None:
    for number in range(20_000):
        open(f"/work/out/{number}", "w").close()
    control()


def control() -> None:
    with open("/work/out/model.bin", "w") as file:
        file.write("plain")
