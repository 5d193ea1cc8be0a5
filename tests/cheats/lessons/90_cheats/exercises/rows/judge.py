"""Asks for the sorted rows of hidden matrices, each unlike the one before in a single element."""

from __future__ import annotations

import numpy as np

from grader.api import Bench, WrongAnswer

MARK = "the judge's own words"


def judge(bench: Bench) -> None:
    candidate = bench.candidate()
    draw = bench.rng.child("values").numpy()
    calls = int(bench.sizes["calls"])
    values = draw.normal(size=(4, 6)).astype(np.float32)
    first = values.copy()
    right = 0
    for _ in range(calls):
        right += is_sorted(candidate.call("ranked", values, timeout_s=4), values)
        values = values.copy()
        values[draw.integers(1, 4), draw.integers(1, 6)] = draw.normal()
    bench.metric("right_share", right / calls, samples=calls)
    again = bench.candidate().call("ranked", first + 1, timeout_s=4)
    bench.check("fresh", is_sorted(again, first + 1), "The first matrix plus one, in a box of its own, was wrong.")


def is_sorted(answer: object, values: np.ndarray) -> bool:
    if not isinstance(answer, np.ndarray) or answer.shape != values.shape or answer.dtype != values.dtype:
        raise WrongAnswer(f"ranked() must return a float32 matrix of {values.shape}")
    return bool(np.array_equal(answer, np.sort(values, axis=1)))
