"""The buttons of an exercise: what each tier does and costs, and whether anything here can run it."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lessons.loader import Exercise
from lessons.schema import Tier
from webapp.submissions.contexts import TierInfo
from webapp.submissions.estimates import duration_text
from webapp.submissions.models import Worker
from webapp.submissions.workers import live_workers, queue_problem

COSTS = {
    "smoke": _("a quick look on small sizes; counts for nothing"),
    "cpu": _("graded on secret seeds, on the CPU"),
    "gpu": _("graded on secret seeds, on a GPU"),
}
ORDER: tuple[Tier, ...] = ("smoke", "cpu", "gpu")
LABELS = {"smoke": _("Try"), "cpu": _("Submit"), "gpu": _("Submit to GPU")}
UNAVAILABLE = _("No worker of this site has the hardware for it.")


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
            label=str(LABELS[name]),
            seconds=round(offered[name].seconds),
            cost_text=gettext("About {time}: {cost}.").format(
                time=duration_text(offered[name].seconds), cost=COSTS[name]
            ),
            available=name in available,
            problem=queue_problem(name, workers),
            unavailable_text="" if name in available else str(UNAVAILABLE),
        )
        for name in ORDER
        if name in offered
    )
