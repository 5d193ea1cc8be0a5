"""`bench queue`: one private site, and all that is measured on it."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sandbox import BoxSpec, open_backend
from sandbox.bench.machine import machine, versions
from sandbox.bench.stats import times
from webapp.submissions.bench_queue.clicks import Clicks, figures
from webapp.submissions.bench_queue.goals import goals
from webapp.submissions.bench_queue.learner import Learner
from webapp.submissions.bench_queue.saturation import saturate
from webapp.submissions.bench_queue.site import BenchSite, bench_site

Say = Callable[[str], None]
_PACKAGE = "webapp.submissions.bench_queue"
_SHORT = 50  # a queue of so many runs is short


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """`rounds` of clicks; `each`: runs of each of so many learners, who click all at once; then the long queue's."""

    rounds: int
    learners: int
    each: int
    queue_learners: int
    queue_each: int

    @classmethod
    def chosen(cls, *, quick: bool, rounds: int | None) -> Effort:
        sizes = (5, 4, 3, 10, 20) if quick else (40, 20, 10, 100, 50)
        names = ("rounds", "learners", "each", "queue_learners", "queue_each")
        return cls(**{**dict(zip(names, sizes, strict=True)), **({"rounds": rounds} if rounds else {})})


def run(*, quick: bool, rounds: int | None, say: Say) -> dict[str, Any]:
    """Measure on this machine as it is; `rounds`: of clicks. Raises SandboxUnavailable, CannotMeasure."""
    effort = Effort.chosen(quick=quick, rounds=rounds)
    load_before = os.getloadavg()[0]
    say("starting a private site")
    with bench_site() as site:
        found = _measure(site, effort, say)
    document: dict[str, Any] = {
        "schema": 1,
        "bench": "queue",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "load_average_1m": {"before": round(load_before, 2), "after": round(os.getloadavg()[0], 2)},
        "versions": versions(),
        **found,
    }
    return {**document, "goals": [goal.as_json() for goal in goals(document)]}


def _measure(site: BenchSite, effort: Effort, say: Say) -> dict[str, Any]:
    sessions = site.ask(f"{_PACKAGE}.people", str(effort.learners))
    with site.joined(), Learner(site.port, sessions[0]) as learner:
        accounting = _accounting()
        clicks = Clicks(learner).measure(effort.rounds, say)
    saturation = saturate(site.port, sessions, effort.each, say)
    say(f"a queue of {effort.queue_learners * effort.queue_each} runs")
    claims = site.ask(f"{_PACKAGE}.claims", str(effort.queue_learners), str(effort.queue_each))
    return {
        "machine": {**machine(), "accounting": accounting},
        "clicks": clicks,
        "saturation": saturation,
        "claims": summarised(claims),
    }


def summarised(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The first claims are made from the long queue, the last from a short one: equally many of each."""
    taken: Sequence[float] = claims["claim_s"]
    count = min(_SHORT, len(taken) // 2)
    longest, shortest = taken[:count], taken[-count:]
    return {
        "learners": claims["learners"],
        "runs": claims["runs"],
        "rounds_off": claims["rounds_off"],
        "enqueue_ms": round(1000 * claims["fill_s"] / claims["runs"], 2),
        "long": {"waiting": len(taken), **figures(longest)},
        "short": {"waiting": count, **figures(shortest)},
        "long_over_short": times(median(longest), median(shortest)),
    }


def _accounting() -> str:
    """Where the figures of boxes come from on this machine."""
    process = open_backend().prepare(BoxSpec()).start(["/usr/bin/true"])
    try:
        return process.wait().usage.source
    finally:
        process.close()
