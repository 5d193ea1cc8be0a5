"""Computes without end."""

from __future__ import annotations

SPEC = {"cpu_s": 0.6, "wall_s": 20.0}
ATTACK = {"status": "cpu_limit", "hits": ["cpu"], "wall_s": 10.0}
CONTROL = {"says": "499999500000"}


def attack() -> None:
    while True:
        pass


def control() -> None:
    print(sum(range(10**6)))
