"""Writes about classes. Wrong input raises ValidationError with the field that is wrong; nothing is stored half."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from webapp.accounts.models import User
from webapp.catalog.models import Exercise
from webapp.cohorts.models import AttemptCap, Cohort, Enrolment

MOST_ATTEMPTS = 1_000
MINUTES_A_DAY = 24 * 60


@transaction.atomic
def cohort_create(*, name: str, slug: str = "") -> Cohort:
    """A new class. Its slug is made of the name where none is given. Raises ValidationError (fields name, slug)."""
    cohort = Cohort(name=name.strip(), slug=slug.strip() or slugify(name)[:80])
    cohort.full_clean()
    cohort.save()
    return cohort


def enrol(*, cohort: Cohort, user: User) -> bool:
    """False when they were in it already."""
    return Enrolment.objects.get_or_create(cohort=cohort, user=user)[1]


def remove(*, cohort: Cohort, user: User) -> bool:
    """Take a person out of a class; what they submitted stays. False when they were not in it."""
    return Enrolment.objects.filter(cohort=cohort, user=user).delete()[0] > 0


def attempts_cap(*, cohort: Cohort, exercise: Exercise, attempts: int | None) -> None:
    """Set how many attempts each learner of the class has at an exercise; None lifts the cap.

    Raises ValidationError (field attempts).
    """
    if attempts is None:
        AttemptCap.objects.filter(cohort=cohort, exercise=exercise).delete()
        return
    if not 1 <= attempts <= MOST_ATTEMPTS:
        raise ValidationError({"attempts": [f"Give a number from 1 to {MOST_ATTEMPTS}."]})
    AttemptCap.objects.update_or_create(cohort=cohort, exercise=exercise, defaults={"attempts": attempts})


def gpu_minutes_set(*, cohort: Cohort, minutes: int | None) -> None:
    """Set the GPU minutes a day of each learner of the class: 0 is without limit, None is what the site's setting says.

    Raises ValidationError (field minutes).
    """
    if minutes is not None and not 0 <= minutes <= MINUTES_A_DAY:
        raise ValidationError({"minutes": [f"Give a number from 0 (no limit) to {MINUTES_A_DAY}."]})
    cohort.gpu_minutes_per_day = minutes
    cohort.save(update_fields=["gpu_minutes_per_day"])
