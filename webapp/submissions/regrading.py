"""Grading again, after a judge was mended: new runs of what was submitted, with fresh seeds. Old runs stay as they are.

The best verdict of a submission's runs stands, so grading again can lift a verdict and never lowers one. A pass that
should not have been one is for an instructor's review.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from webapp.accounts.models import User
from webapp.catalog.course import exercise_find
from webapp.catalog.models import Exercise
from webapp.cohorts.models import Cohort
from webapp.submissions import services
from webapp.submissions.models import TERMINAL, Regrade, Run, Submission, Tier, Verdict

CHUNK = 25  # runs a transaction: writers wait for none longer than for a few dozen rows
MAX_REASON = 500
NOTHING = "There is nothing to grade again here: no finished Submit of an exercise that is still among the lessons."


class Choice(NamedTuple):
    """What is graded again: a submission at a tier."""

    submission: UUID
    tier: str


def regrade_create(
    *,
    reason: str,
    submission: Submission | None = None,
    exercise: Exercise | None = None,
    cohort: Cohort | None = None,
    requested_by: User | None = None,
) -> tuple[Regrade, int]:
    """Queue new runs of one submission, or of what counts in an exercise, in a cohort, or of both; returns how many.

    They stand behind everybody's first runs, and cost no attempt. Raises ValidationError (field reason) for a missing
    reason, and where there is nothing to grade again; then nothing is stored.
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON or "\0" in reason:
        raise ValidationError({"reason": [f"Give a reason, which learners see: {MAX_REASON} characters at most."]})
    runs = graded_runs(submission=submission, exercise=exercise, cohort=cohort)
    choices = iter(sorted(gradable(every_one(runs) if submission else best_and_latest(runs))))
    order: Regrade | None = None
    count = 0
    while chunk := list(islice(choices, CHUNK)):
        with transaction.atomic():
            order = order or Regrade.objects.create(
                reason=reason, submission=submission, exercise=exercise, cohort=cohort, requested_by=requested_by
            )
            count += sum([queue_again(choice, order) for choice in chunk])
    if order is None:
        raise ValidationError({"reason": [NOTHING]})
    return order, count


def graded_runs(
    *, submission: Submission | None, exercise: Exercise | None = None, cohort: Cohort | None = None
) -> QuerySet[Run]:
    """Runs that say something, or that we failed to make, of what was named; second runs are no question of ours."""
    runs = Run.objects.filter(submission__isnull=False, confirms=None, status__in=TERMINAL).exclude(tier=Tier.SMOKE)
    runs = runs.exclude(verdict=Verdict.CANCELLED)
    if submission is not None:
        runs = runs.filter(submission=submission)
    if exercise is not None:
        runs = runs.filter(submission__exercise=exercise)
    if cohort is not None:
        runs = runs.filter(learner__enrolments__cohort=cohort)
    return runs


def every_one(runs: QuerySet[Run]) -> set[Choice]:
    return {Choice(submission, tier) for submission, tier in runs.order_by().values_list("submission", "tier")}


def best_and_latest(runs: QuerySet[Run]) -> set[Choice]:
    """Of each learner, exercise and tier: the submission with the best verdict, and the newest one."""
    rows = runs.order_by("submission__created_at").values_list(
        "learner", "submission__exercise", "tier", "submission", "verdict", "score"
    )
    best: dict[tuple[object, ...], tuple[tuple[bool, float], Choice]] = {}
    latest: dict[tuple[object, ...], Choice] = {}
    for learner, exercise, tier, submission, verdict, score in rows.iterator():
        key, choice = (learner, exercise, tier), Choice(submission, tier)
        merit = (verdict == Verdict.PASSED, score or 0.0)
        if key not in best or merit >= best[key][0]:
            best[key] = (merit, choice)
        latest[key] = choice
    return {choice for _, choice in best.values()} | set(latest.values())


def gradable(choices: Iterable[Choice]) -> set[Choice]:
    """Without those whose exercise or tier is gone, and those that have an open run already."""
    wanted = set(choices)
    submissions = {choice.submission for choice in wanted}
    open_runs = Run.objects.filter(submission__isnull=False, confirms=None).exclude(status__in=TERMINAL)
    waiting = {Choice(*row) for row in open_runs.order_by().values_list("submission", "tier")}
    places = Submission.objects.filter(pk__in=submissions).order_by().select_related("exercise")
    offered = {one.pk: tiers_of(one.exercise) for one in places}
    return {choice for choice in wanted - waiting if choice.tier in offered[choice.submission]}


def tiers_of(mirror: Exercise) -> tuple[str, ...]:
    found = exercise_find(mirror.lesson, mirror.slug)
    return tuple(found.manifest.tiers) if found and found.manifest.id == mirror.pk else ()


def queue_again(choice: Choice, order: Regrade) -> bool:
    """False where the submission went meanwhile, with its account."""
    submission = Submission.objects.select_related("learner", "exercise").filter(pk=choice.submission).first()
    if submission is None:
        return False
    services.run_create(
        kind=Run.Kind.SUBMISSION,
        learner=submission.learner,
        submission=submission,
        tier=choice.tier,
        regrade=order,
        rank=1,
    )
    return True


def notices_put_away(*, user: User, regrade: int) -> int:
    """The learner has read what an order changed; what of it ends later is told anew. Returns how many runs it was."""
    told = Run.objects.filter(learner=user, regrade=regrade, status__in=TERMINAL, notice_seen_at=None)
    return told.update(notice_seen_at=timezone.now())
