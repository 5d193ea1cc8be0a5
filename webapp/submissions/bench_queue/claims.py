"""`python -m webapp.submissions.bench_queue.claims <learners> <runs of each>`: a long queue, claimed to its end.

As a process of a bench's site, in the queue `gpu`, which no worker of that site serves; no box is started. Prints JSON:
the seconds that each claim took, in their order, and how far the order was from an ideal round robin.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import django

from webapp.submissions.bench_queue.people import people

if TYPE_CHECKING:
    from webapp.accounts.models import User

QUEUE = "gpu"


def main(learners: int, each: int) -> dict[str, Any]:
    everybody = people(learners)
    began = time.monotonic()
    _fill(everybody, each)
    filled = time.monotonic() - began
    seconds, order = _drain()
    assert len(order) == learners * each, f"{len(order)} of {learners * each} runs were claimed"
    return {
        "learners": learners,
        "runs": len(order),
        "fill_s": round(filled, 2),
        "claim_s": [round(value, 6) for value in seconds],
        "rounds_off": rounds_off(order),
    }


def rounds_off(order: Sequence[int]) -> int:
    """By how many turns a run came too early or too late at most, beside an ideal round robin of equal lines.

    There, everybody's j-th run is among the j-th group of as many runs as there are learners.
    """
    lines = len(set(order))
    served: Counter[int] = Counter()
    worst = 0
    for place, learner in enumerate(order):
        worst = max(worst, abs(place // lines - served[learner]))
        served[learner] += 1
    return worst


def _fill(everybody: Sequence[User], each: int) -> None:
    """One learner's whole line after the other's: the worst case for whoever comes last."""
    from django.db import transaction

    from webapp.submissions.models import Run
    from webapp.submissions.services import run_create

    for learner in everybody:
        with transaction.atomic():
            for number in range(each):
                run_create(
                    kind=Run.Kind.CELL, learner=learner, tier=QUEUE, cell_lesson="bench", cell_index=number,
                    cell_sources=["pass"],
                )  # fmt: skip


def _drain() -> tuple[list[float], list[int]]:
    """Seconds of each claim, and whose run it was. Each run ends before the next is claimed."""
    from webapp.submissions.models import Verdict
    from webapp.submissions.queue import run_claim, run_finish
    from webapp.submissions.workers import Offer

    offer = Offer(cores=1, memory_mb=2**20, gpus=({"id": "0", "name": "none: nothing is started", "memory_mb": 1},))
    seconds: list[float] = []
    order: list[int] = []
    while True:
        began = time.perf_counter()
        run = run_claim(queue=QUEUE, worker="bench", offer=offer)
        took = time.perf_counter() - began
        if run is None:
            return seconds, order
        seconds.append(took)
        order.append(run.learner_id)
        run_finish(run=run, verdict=Verdict.PASSED)


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
