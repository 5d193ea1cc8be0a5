"""The buttons of an exercise: what each tier does and costs, and whether anything here can run it."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from lessons.loader import Exercise
from lessons.schema import Tier
from webapp.submissions.contexts import TierInfo
from webapp.submissions.estimates import duration_text
from webapp.submissions.models import Worker
from webapp.submissions.workers import live_workers, queue_problem

COSTS = {
    "smoke": "a quick look on small sizes; counts for nothing",
    "cpu": "graded on secret seeds, on the CPU",
    "gpu": "graded on secret seeds, on a GPU",
}
ORDER: tuple[Tier, ...] = ("smoke", "cpu", "gpu")
LABELS = {"smoke": "Try", "cpu": "Submit", "gpu": "Submit to GPU"}
UNAVAILABLE = "No worker of this site has the hardware for it."


def available_tiers(workers: Sequence[Worker] | None = None) -> list[str]:
    """What may be asked for: the tiers that the site is set up for, and those that a live worker offers besides."""
    live = live_workers() if workers is None else workers
    return [tier for tier in ORDER if tier in settings.TIERS or not queue_problem(tier, live)]


def tier_infos(exercise: Exercise) -> tuple[TierInfo, ...]:
    offered, workers = exercise.manifest.tiers, live_workers()
    available = available_tiers(workers)
    return tuple(
        TierInfo(
            name=name,
            role="try" if name == "smoke" else "submit",
            label=LABELS[name],
            seconds=round(offered[name].seconds),
            cost_text=cost_text(name, offered[name].seconds, queue_problem(name, workers)),
            available=name in available,
            unavailable_text="" if name in available else UNAVAILABLE,
        )
        for name in ORDER
        if name in offered
    )


def cost_text(tier: str, seconds: float, problem: str) -> str:
    return f"About {duration_text(seconds)}: {COSTS[tier]}. {problem}".strip()
