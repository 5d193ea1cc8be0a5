"""Fails as the answer tells it to."""

from __future__ import annotations

import time

from grader.api import Bench


def judge(bench: Bench) -> None:
    mood = bench.candidate().call("mood")
    if mood == "raises":
        raise RuntimeError("the judge is broken")
    if mood == "hangs":
        time.sleep(1000)
    if mood == "eats":
        eaten = []
        while True:
            eaten.append(bytearray(10_000_000))
    if mood == "slow":
        time.sleep(5)
    bench.metric("right", 1.0)
