"""Reads about classes. Who is in several of them has what the most generous one gives."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from webapp.accounts.models import User
from webapp.catalog.models import Exercise
from webapp.cohorts.models import AttemptCap, Cohort


def attempt_cap(user: User, exercise: UUID) -> AttemptCap | None:
    """The cap that holds for this learner, with its cohort; None when their attempts are unlimited.

    Of the caps of several cohorts the most generous one counts. A cohort of theirs that does not cap the exercise says
    nothing about it: it lifts no other's cap.
    """
    caps = AttemptCap.objects.filter(exercise=exercise, cohort__enrolments__user=user).select_related("cohort")
    return caps.order_by("-attempts", "cohort__name").first()


def gpu_minutes(user: User) -> int | None:
    """GPU minutes a day by the most generous of their cohorts; 0: no limit; None: no cohort says a number."""
    given = Cohort.objects.filter(enrolments__user=user, gpu_minutes_per_day__isnull=False)
    minutes = set(given.order_by().values_list("gpu_minutes_per_day", flat=True))
    if not minutes:
        return None
    return 0 if 0 in minutes else max(one for one in minutes if one is not None)


class UnknownNameError(LookupError):
    """Nothing here is called so; the message is for an operator, and says what there is."""


def cohort_named(slug: str) -> Cohort:
    """Raises UnknownNameError."""
    found = Cohort.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Cohort.objects.values_list("slug", flat=True)) or "none yet"
        raise UnknownNameError(f"There is no cohort {slug!r}. There are: {known}.")
    return found


def exercise_named(key: str) -> Exercise:
    """By <lesson>/<exercise>. Raises UnknownNameError."""
    lesson, _, slug = key.partition("/")
    found = Exercise.objects.filter(lesson=lesson, slug=slug, is_present=True).first()
    if found is None:
        raise UnknownNameError(
            f"There is no exercise {key!r}. Write <lesson>/<exercise>; `manage.py sync_lessons` makes new ones known."
        )
    return found


def members(cohort: Cohort) -> QuerySet[User]:
    return User.objects.filter(enrolments__cohort=cohort)


def cohort_table() -> list[dict[str, Any]]:
    """Every cohort with what it sets: slug, name, learners, gpu_minutes_per_day, caps (exercise → attempts)."""
    cohorts = Cohort.objects.annotate(learners=Count("enrolments")).prefetch_related("caps__exercise")
    return [
        {
            "slug": cohort.slug,
            "name": cohort.name,
            "learners": cohort.learners,
            "gpu_minutes_per_day": cohort.gpu_minutes_per_day,
            "caps": {cap.exercise.key: cap.attempts for cap in cohort.caps.all()},
        }
        for cohort in cohorts
    ]
