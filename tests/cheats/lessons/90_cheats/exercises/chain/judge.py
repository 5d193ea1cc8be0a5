"""Measures the candidate against a program that does the work twice, with fresh hidden seeds each round."""

from __future__ import annotations

import hashlib

from grader.api import Bench, Candidate, measures


def judge(bench: Bench) -> None:
    links = int(bench.sizes["links"])
    seeds = [bench.rng.bytes(16).hex() for _ in range(25)]  # as many as bench.interleave may take rounds
    ends = {seed: end_of(seed, links) for seed in seeds}

    def turn(program: Candidate, number: int) -> None:
        bench.check("right", program.call("chain", seeds[number], links) == ends[seeds[number]])

    rounds = bench.interleave("slow", turn)
    bench.metric("speedup", measures.cpu_ratio(rounds, "speedup"))


def end_of(seed: str, links: int) -> str:
    state = bytes.fromhex(seed)
    for _ in range(links):
        state = hashlib.sha256(state).digest()
    return state.hex()
