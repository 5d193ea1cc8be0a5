"""Requests to try your Scheduler on: `python scheduler.py` uses it. Read it; a submission cannot change it.

The judge draws its own requests from the same kind of world, and it has a model: it would notice a table that moved.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

BLOCKS, BLOCK, MOST = 512, 8, 256


def draw_requests(seed: int, count: int) -> list[tuple[int, int, int]]:
    """(arrives before this step, prompt, new tokens) of each."""
    rng, step, found = random.Random(seed), 0.0, []
    for number in range(count):
        step += rng.expovariate(1 / 0.75) if number >= count // 3 else 0.0
        prompt = int(math.exp(rng.uniform(math.log(6), math.log(150))))
        found.append((int(step), prompt, 1 + min(MOST - 1, int(rng.expovariate(1 / 48)))))
    return found


def find_problem(plan: dict[int, list[int]], length: dict[int, int]) -> str:
    blocks = [block for table in plan.values() for block in table]
    if not plan:
        return "nobody runs, and requests wait"
    if not plan.keys() <= length.keys():
        return f"{sorted(plan.keys() - length.keys())} are in the plan, and not there"
    if len(set(blocks)) < len(blocks):
        return f"block {max(blocks, key=blocks.count)} is in two tables"
    if not set(blocks) <= set(range(BLOCKS)):
        return "there is a block that the cache does not have"
    short = [request for request, table in plan.items() if len(table) * BLOCK < length[request]]
    return f"the table of request {short[0]} is too short for {length[short[0]]} positions" if short else ""


def try_it(scheduler_class: Callable[[int, int], Any], seed: int = 1, count: int = 240) -> None:
    """Print what the judge would count."""
    scheduler, requests = scheduler_class(BLOCKS, BLOCK), draw_requests(seed, count)
    length: dict[int, int] = {}  # of each request that has come and not ended
    kept: set[int] = set()  # those of the last step: their positions are in the cache
    come = steps = filled = room = computed = 0
    ended: list[int] = []
    while come < count or length:
        for request in ended:
            scheduler.end(request)
        while come < count and (requests[come][0] <= steps or not length):
            length[come] = requests[come][1]
            scheduler.add(come, requests[come][1], MOST)
            come += 1
        plan = {request: list(table) for request, table in scheduler.plan().items()}
        if problem := find_problem(plan, length):
            print(f"step {steps + 1}: {problem}")
            return
        computed += sum(1 if request in kept else length[request] for request in plan)
        if len(plan) < len(length):  # somebody waits
            filled, room = filled + sum(length[request] for request in plan), room + BLOCKS * BLOCK
        for request in plan:
            length[request] += 1
        ended = [request for request in plan if length[request] == sum(requests[request][1:])]
        for request in ended:
            del length[request]
        kept, steps = set(plan) - set(ended), steps + 1
    needed = sum(prompt + new - 1 for _, prompt, new in requests)
    print(f"wasted_share   {1 - filled / room:.3f}")
    print(f"computed_ratio {computed / needed:.3f}")
    print(f"steps          {steps}")
