"""Threads instead of processes."""

from __future__ import annotations

import threading

SPEC = {"pids": 20}
ATTACK = {"hits": ["pids"], "says": "refused after 1[0-9]"}
WATCHDOG = {"says": "refused after 1[0-9]"}  # only a cgroup tells of a refusal
CONTROL = {"says": "all started"}


def start(most: int) -> None:
    gate = threading.Event()
    started = 0
    try:
        for _ in range(most):
            threading.Thread(target=gate.wait).start()
            started += 1
        print("all started")
    except RuntimeError:
        print("refused after", started)
    gate.set()


def attack() -> None:
    start(30)


def control() -> None:
    start(10)
