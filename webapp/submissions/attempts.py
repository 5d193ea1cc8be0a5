"""Attempts: a submission graded at a real tier. Unlimited, unless a cohort of the learner caps the exercise."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.accounts.models import User
from webapp.cohorts.selectors import attempt_cap
from webapp.submissions.models import UNMADE, Run, Status, Tier


def attempt_runs(user: User, exercise: UUID) -> QuerySet[Run]:
    """The runs that cost an attempt: one a submission. An open run reserves its attempt until it has a verdict.

    A Try, a second run and a run graded again cost none; so do runs that we could not make and cancelled ones.
    """
    runs = Run.objects.filter(learner=user, submission__exercise=exercise, confirms=None, regrade=None)
    return runs.exclude(tier=Tier.SMOKE).exclude(verdict__in=UNMADE)


def attempts_used(user: User, exercise: UUID) -> int:
    return attempt_runs(user, exercise).order_by().values("submission").distinct().count()


def attempts_text(user: User, exercise: UUID) -> str:
    """ "2 of 5 attempts left (Autumn 2026)"; "" where they are unlimited."""
    cap = attempt_cap(user, exercise)
    if cap is None:
        return ""
    left = max(0, cap.attempts - attempts_used(user, exercise))
    text = ngettext("{left} of {all} attempt left ({cohort})", "{left} of {all} attempts left ({cohort})", cap.attempts)
    return text.format(left=left, all=cap.attempts, cohort=cap.cohort.name)


def check_attempts(user: User, exercise: UUID, *, tier: str) -> None:
    """Raises ValidationError (field tier) when the learner has no attempt left. The caller holds the learner's lock."""
    cap = None if tier == Tier.SMOKE else attempt_cap(user, exercise)
    if cap is None or attempts_used(user, exercise) < cap.attempts:
        return
    text = ngettext(
        "The one attempt at this exercise is used ({cohort}).",
        "All {all} attempts at this exercise are used ({cohort}).",
        cap.attempts,
    ).format(all=cap.attempts, cohort=cap.cohort.name)
    way_out = _("Try still works and costs nothing; your instructor can give you more.")
    raise ValidationError({"tier": [f"{text} {way_out}"]})


def own_waiting_runs(user: User, exercise: UUID) -> QuerySet[Run]:
    """The learner's waiting runs of an exercise, first in line first: those whose place a newer submission may take."""
    waiting = Run.objects.filter(learner=user, submission__exercise=exercise, status=Status.QUEUED)
    return waiting.filter(confirms=None, regrade=None).order_by("rank", "turn", "queued_at")
