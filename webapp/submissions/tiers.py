"""The buttons of an exercise: what each tier does and costs."""

from __future__ import annotations

from django.conf import settings

from lessons.loader import Exercise
from lessons.schema import Tier
from webapp.submissions.contexts import TierInfo
from webapp.submissions.estimates import duration_text

COSTS = {
    "smoke": "a quick look on small sizes; counts for nothing",
    "cpu": "graded on secret seeds, on the CPU; attempts are unlimited",
    "gpu": "graded on secret seeds, on a GPU; attempts are unlimited",
}
ORDER: tuple[Tier, ...] = ("smoke", "cpu", "gpu")
LABELS = {"smoke": "Try", "cpu": "Submit", "gpu": "Submit to GPU"}


def tier_infos(exercise: Exercise) -> tuple[TierInfo, ...]:
    offered = exercise.manifest.tiers
    return tuple(
        TierInfo(
            name=name,
            role="try" if name == "smoke" else "submit",
            label=LABELS[name],
            seconds=round(offered[name].seconds),
            cost_text=f"About {duration_text(offered[name].seconds)}: {COSTS[name]}.",
            available=name in settings.TIERS,
            unavailable_text="" if name in settings.TIERS else "No worker of this site has the hardware for it.",
        )
        for name in ORDER
        if name in offered
    )
