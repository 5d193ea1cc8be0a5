"""Runs a minute when more learners click than the machine has room for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from webapp.submissions.bench_queue.clicks import figures
from webapp.submissions.bench_queue.learner import Click, Learner


def saturate(port: int, sessions: Sequence[str], each: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Every learner submits, waits for the verdict and submits again at once, `each` times. Raises CannotMeasure."""
    total = each * len(sessions)
    say(f"saturation: {total} submissions of {len(sessions)} learners")
    began = time.monotonic()
    with ThreadPoolExecutor(len(sessions)) as pool:
        done = [click for clicks in pool.map(lambda key: _clicks(port, key, each), sessions) for click in clicks]
    took = time.monotonic() - began
    return {
        "learners": len(sessions),
        "runs": total,
        "seconds": round(took, 2),
        "runs_per_minute": round(60 * total / took, 1),
        "verdict": figures([click.verdict_s for click in done]),
    }


def _clicks(port: int, session: str, count: int) -> list[Click]:
    with Learner(port, session) as learner:
        return [learner.click() for _ in range(count)]
