"""What the judge calls. Read-only: it hands each step's news to your Scheduler, and takes the plan."""

from __future__ import annotations

from typing import Any

from scheduler import Scheduler

here: dict[str, Any] = {}


def start(blocks: int, block: int) -> None:
    here["scheduler"] = Scheduler(blocks, block)


def step(arrived: list[list[int]], ended: list[int]) -> list[list[Any]]:
    """`arrived`: [request, prompt, most] of each new one; `ended`: requests that got their last token."""
    scheduler = here["scheduler"]
    for request in ended:
        scheduler.end(request)
    for request, prompt, most in arrived:
        scheduler.add(request, prompt, most)
    return [[request, list(table)] for request, table in scheduler.plan().items()]
