"""Turns of candidate, baseline and the baseline's repeat: one runs, the boxes of the others are frozen."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping

from grader.candidate import Candidate
from grader.measures.interleaving import Interleaving, Side
from grader.measures.timing import Reading, Round

Turn = Callable[[Candidate, int], None]


def take_turns(plan: Interleaving, sides: Mapping[Side, Candidate], turn: Turn) -> tuple[Round, ...]:
    """Let each side have its turns until the plan has enough; `turn(candidate, round)` asks and checks the answers.

    A turn is billed whatever its box used since the end of its last turn, so work done out of turn is not free.
    Raises what `turn` raises, InfraError.
    """
    used: dict[Side, float] = {}
    for name, candidate in sides.items():
        candidate.load()
        candidate.freeze()
        used[name] = candidate.usage.cpu_s
    try:
        while (side := plan.next_side()) is not None:
            candidate = sides[side]
            with _awake(candidate):
                wall_s = _timed(plan, candidate, turn)
            # Frozen already: what runs on the GPU now was queued before, and nothing comes after it.
            wall_s += candidate.settle()
            total = candidate.usage.cpu_s
            plan.record(Reading(cpu_s=total - used[side], wall_s=wall_s))
            used[side] = total
    finally:
        for candidate in sides.values():
            candidate.thaw()
    return plan.rounds


def _timed(plan: Interleaving, candidate: Candidate, turn: Turn) -> float:
    """Wall seconds of one turn. By the wall clock: of its calls alone.

    What the judge does between calls takes as long for every side, and would draw their ratio towards 1.
    """
    began, asked = time.monotonic(), candidate.asked_s
    turn(candidate, len(plan.rounds))
    return candidate.asked_s - asked if plan.clock == "wall" else time.monotonic() - began


@contextlib.contextmanager
def _awake(candidate: Candidate) -> Iterator[None]:
    candidate.thaw()
    try:
        yield
    finally:
        candidate.freeze()
