"""One call of a program that does nothing, and when each step of it was done."""

from __future__ import annotations

import time

from grader.api import Bench


def judge(bench: Bench) -> None:
    began = time.monotonic()
    value = bench.rng.integers(0, 1000)
    candidate = bench.candidate()
    candidate.load()
    loaded = time.monotonic()
    answer = candidate.call("give_back", value)
    answered = time.monotonic()
    bench.check("answers", answer == value, "Another value came back.")
    bench.metric("began_s", began)
    bench.metric("load_ms", 1000 * (loaded - began))
    bench.metric("call_ms", 1000 * (answered - loaded))
    bench.metric("answered_s", answered)
