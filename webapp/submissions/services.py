"""Writes that learners ask for. Bad input raises ValidationError with the field; nothing is stored half."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lessons.loader import Exercise
from webapp.accounts.models import User
from webapp.catalog.course import exercise_find
from webapp.catalog.parts import CellPlace
from webapp.catalog.services import exercise_mirror
from webapp.submissions.attempts import check_attempts, own_waiting_runs
from webapp.submissions.confirming import is_confirmable
from webapp.submissions.editing import texts_of
from webapp.submissions.fairness import next_turn
from webapp.submissions.models import TERMINAL, UNMADE, Review, Run, Submission, SubmissionFile, Tier, Verdict
from webapp.submissions.queue import run_cancel as run_cancel
from webapp.submissions.queue import run_replace
from webapp.submissions.quotas import check_gpu_minutes
from webapp.submissions.runviews import may_run_again
from webapp.submissions.tiers import available_tiers
from webapp.submissions.uploads import checked_code, checked_files, checked_tier
from webapp.submissions.waking import wake
from webapp.submissions.workers import run_needs

MAX_OPEN_RUNS = 8
MAX_REASON = 2_000


@transaction.atomic
def submission_create(
    *, learner: User, exercise: Exercise, files: Mapping[str, str | bytes], tier: str, replace: bool = False
) -> Run:
    """Store a submission with its files and put its first run into the tier's queue. Raises ValidationError.

    With `replace` it takes the place in line of the learner's first waiting run of this exercise and tier, which ends
    as cancelled. Where none waits, or a worker has just begun it, the new run is queued as any other.
    """
    tier = checked_tier(exercise, tier, available_tiers())
    texts = checked_files(exercise, files)
    lock_learner(learner)
    replaced = replace_waiting(learner, exercise.manifest.id, tier) if replace else None
    check_open_runs(learner, field="tier")
    check_attempts(learner, exercise.manifest.id, tier=tier)
    check_gpu_minutes(learner, exercise, tier=tier)
    submission = Submission.objects.create(
        learner=learner, exercise=exercise_mirror(exercise), content_hash=exercise.content_hash
    )
    SubmissionFile.objects.bulk_create(
        [SubmissionFile(submission=submission, name=name, content=text) for name, text in texts.items()]
    )
    run = run_create(kind=Run.Kind.SUBMISSION, learner=learner, submission=submission, tier=tier)
    if replaced is not None:
        run.rank, run.turn, run.queued_at = replaced.rank, replaced.turn, replaced.queued_at
        run.save(update_fields=["rank", "turn", "queued_at"])
    return run


def run_again(*, run: Run, learner: User) -> Run:
    """Submit the files of a run that ended without saying anything of them once more, at its tier.

    Raises ValidationError, as submission_create does; also where the exercise is gone or wants other files now.
    """
    if run.submission is None or not may_run_again(run, learner):
        raise ValidationError({"tier": [_("Only a run of yours that came to nothing can be made again.")]})
    mirror = run.submission.exercise
    content = exercise_find(mirror.lesson, mirror.slug)
    if content is None:
        raise ValidationError({"tier": [_("This exercise is no longer among the lessons.")]})
    return submission_create(learner=learner, exercise=content, files=texts_of(run.submission), tier=run.tier)


def lock_learner(learner: User) -> None:
    """Let nobody else submit for this learner until the transaction ends: what was counted stays true until it is used.

    SQLite needs no more than its one writer at a time; it ignores this.
    """
    User.objects.select_for_update(no_key=True).filter(pk=learner.pk).first()


def replace_waiting(learner: User, exercise: UUID, tier: str) -> Run | None:
    """The run whose place is free now; None where nothing waited (any more)."""
    waiting = own_waiting_runs(learner, exercise).filter(tier=tier).first()
    return waiting if waiting is not None and run_replace(run=waiting) else None


@transaction.atomic
def cell_run_create(*, learner: User, cell: CellPlace, code: str, edited: Mapping[str, str]) -> Run:
    """Run a lesson's cell after the earlier ones of its session. `edited` maps "cell:<index>" to a learner's text.

    Raises ValidationError (fields code, cell:<index>).
    """
    sources = [checked_code(edited.get(f"cell:{index}", text)) for index, text in cell.earlier]
    sources.append(checked_code(code))
    check_open_runs(learner, field="code")
    return run_create(
        kind=Run.Kind.CELL,
        learner=learner,
        tier=Tier.SMOKE,
        cell_lesson=cell.lesson,
        cell_index=cell.index,
        cell_sources=sources,
    )


@transaction.atomic
def confirmation_create(*, run: Run) -> Run | None:
    """Queue the second run of a passed one, with another seed. None where none is wanted, or where there is one.

    It costs the learner nothing: it is no attempt, and does not count among the runs that may be open at once.
    """
    if not is_confirmable(run) or Run.objects.filter(confirms=run).exclude(verdict__in=UNMADE).exists():
        return None
    return run_create(
        kind=Run.Kind.SUBMISSION, learner=run.learner, submission=run.submission, tier=run.tier, confirms=run
    )


@transaction.atomic
def review_decide(*, run: Run, reviewer: User, decision: str, reason: str) -> Review:
    """Set the final verdict of a run under review; an accepted one is a pass with all that follows from it.

    The Report stays as it was measured. Raises ValidationError (fields decision, reason): nobody decides about their
    own run, without a reason, or after somebody else did.
    """
    reason = reason.strip()
    if decision not in Review.Decision.values:
        raise ValidationError({"decision": [_("Accept it or do not.")]})
    if not 1 <= len(reason) <= MAX_REASON or "\0" in reason:
        text = _("Give a reason, which the learner sees: {count} characters at most.").format(count=MAX_REASON)
        raise ValidationError({"reason": [text]})
    if run.learner_id == reviewer.pk:
        raise ValidationError({"decision": [_("This is your own run: somebody else must decide.")]})
    verdict = Verdict.PASSED if decision == Review.Decision.ACCEPTED else Verdict.FAILED
    if run.tier == Tier.SMOKE:
        raise ValidationError({"decision": [_("A Try counts for nothing: there is nothing to decide.")]})
    if not Run.objects.filter(pk=run.pk, verdict=Verdict.UNDER_REVIEW).update(verdict=verdict):
        raise ValidationError({"decision": [_("This run is not under review any more.")]})
    review = Review.objects.create(
        run=run, reviewer=reviewer, reviewer_name=reviewer.get_full_name()[:150], decision=decision, reason=reason
    )
    run.refresh_from_db(fields=["verdict"])
    confirmation_create(run=run)
    return review


def run_create(*, tier: str, **values: Any) -> Run:
    """Queue a run with a secret seed of its own; its workers are woken when the transaction is through.

    Second runs and regrades have rank 1 unless `rank` says otherwise: nobody's verdict waits for them.
    """
    values.setdefault("rank", 1 if values.get("confirms") or values.get("regrade") else 0)
    turn = next_turn(learner=values["learner"].pk, queue=tier, rank=values["rank"])
    needs = run_needs(tier, values.get("submission"))
    run = Run.objects.create(
        tier=tier, queue=tier, turn=turn, seed=secrets.randbits(63), queued_at=timezone.now(), **needs, **values
    )
    transaction.on_commit(lambda: wake(run.queue))
    return run


def check_open_runs(learner: User, *, field: str) -> None:
    own = Run.objects.filter(learner=learner, confirms=None, regrade=None)
    count = own.exclude(status__in=TERMINAL).count()
    if count >= MAX_OPEN_RUNS:
        text = _("You have {count} runs waiting or running: wait for one, or cancel one.").format(count=count)
        raise ValidationError({field: [text]})
