"""What this app holds of a person. It goes with the user's row."""

from __future__ import annotations

from webapp.accounts.models import User
from webapp.accounts.personal import Files, Keeper, listing
from webapp.cohorts.models import Enrolment


def export(user: User) -> Files:
    yield from listing("classes", Enrolment.objects.filter(user=user), "cohort__name", "created_at")


KEEPER = Keeper(name="classes", models=("cohorts.Enrolment",), export=export)
