"""One call of a program that does nothing."""

from __future__ import annotations

from grader.api import Bench


def judge(bench: Bench) -> None:
    value = bench.rng.integers(0, 1000)
    bench.check("answers", bench.candidate().call("give_back", value) == value, "Another value came back.")
