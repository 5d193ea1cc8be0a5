"""What this app holds of a person. It goes with the user's row."""

from __future__ import annotations

from webapp.accounts.models import User
from webapp.accounts.personal import Files, Keeper, listing
from webapp.learning.models import PlanFeed, PlanStep, StudyPlan


def export(user: User) -> Files:
    plans, steps = StudyPlan.objects.filter(user=user), PlanStep.objects.filter(plan__user=user)
    chosen = ("id", "kind", "start", "end", "weekdays", "lessons", "hours_a_week", "time_of_day", "time_zone")
    yield from listing("plans", plans, *chosen, "created_at", "changed_at", "ended_at")
    yield from listing("steps", steps, "plan_id", "key", "ticked_at", "begins", "due")
    yield from listing("calendar", PlanFeed.objects.filter(user=user), "token", "made_at")


KEEPER = Keeper(name="plans", models=("learning.StudyPlan", "learning.PlanFeed"), export=export)
