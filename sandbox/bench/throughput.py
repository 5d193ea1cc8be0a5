"""How many boxes a minute some workers get through."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sandbox.bench.results import Rate

RunOne = Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A sort of box. `run_one` runs one whole box and returns "warm", "cold" or, where it is all one, ""."""

    name: str
    run_one: RunOne


def boxes_per_minute(run_one: RunOne, workers: int, seconds: float) -> tuple[float, list[str]]:
    """So many threads run one box after another for so long; also gives what each box returned.

    Boxes that are running when the time is over are waited for and counted, with the time that they took.
    What a box raises is raised.
    """
    began = time.monotonic()

    def work() -> list[str]:
        done = []
        while time.monotonic() - began < seconds:
            done.append(run_one())
        return done

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work) for _ in range(workers)]
        states = [state for future in futures for state in future.result()]
    return len(states) / (time.monotonic() - began) * 60, states


def worker_counts(cores: int) -> list[int]:
    """1, 2 and twice the cores, each once."""
    return sorted({1, 2, 2 * cores})


def measure_rates(
    kinds: Sequence[Kind],
    counts: Sequence[int],
    *,
    seconds: float,
    readings: int,
    rng: random.Random,
    on_reading: Callable[[int], None],
) -> list[Rate]:
    """Each kind with each number of workers, `readings` times, every time in an order of its own."""
    plan = [(kind, workers) for kind in kinds for workers in counts]
    found: dict[tuple[Kind, int], list[float]] = {one: [] for one in plan}
    states: dict[tuple[Kind, int], list[str]] = {one: [] for one in plan}
    for number in range(1, readings + 1):
        on_reading(number)
        for kind, workers in rng.sample(plan, len(plan)):
            rate, seen = boxes_per_minute(kind.run_one, workers, seconds)
            found[kind, workers].append(rate)
            states[kind, workers] += seen
    return [
        Rate(case=kind.name, workers=workers, per_minute=found[kind, workers], warm_share=_share(states[kind, workers]))
        for kind, workers in plan
    ]


def _share(states: Sequence[str]) -> float | None:
    told = [state for state in states if state]
    return told.count("warm") / len(told) if told else None
