"""Moves runs through their states. Every move is a compare-and-set: one UPDATE that names the state it expects.

Who holds the current token may write results; a worker that lost its lease finds that its token is old and is ignored.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from webapp.submissions.fairness import queue_order
from webapp.submissions.livelog import log_so_far
from webapp.submissions.models import Run, Status, Verdict
from webapp.submissions.waking import wake

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=60)
MAX_TRIES = 3
RACES = 50
FAILED_TEXT = "We could not run this: the fault is ours, and it cost you nothing. Please try again later."
CANCELLED_TEXT = "Cancelled."
RETURNED_TEXT = "Its worker was stopped by the operator; this waits for another one, and starts anew."
REPLACED_TEXT = "Replaced by a newer submission."


def run_claim(*, queue: str, worker: str) -> Run | None:
    """The fairest waiting run, now this worker's; None when nothing waits."""
    for _ in range(RACES):
        waiting = queue_order(queue, limit=1)
        if not waiting:
            return None
        now = timezone.now()
        claimed = Run.objects.filter(pk=waiting[0], status=Status.QUEUED).update(
            status=Status.RUNNING,
            token=F("token") + 1,
            tries=F("tries") + 1,
            worker=worker,
            lease_expires_at=now + LEASE,
            claimed_at=now,
            started_at=now,
            message="",
        )
        if claimed:
            return Run.objects.select_related("submission__exercise", "learner", "confirms").get(pk=waiting[0])
    log.warning("lost %s races for a run in queue %s; the sweeper will wake it again", RACES, queue)
    return None


def run_heartbeat(*, worker: str, runs: Collection[UUID]) -> int:
    """Prolong the leases of all runs that a worker holds, in one write; returns how many it still holds."""
    held = Run.objects.filter(pk__in=runs, worker=worker, status=Status.RUNNING)
    return held.update(lease_expires_at=timezone.now() + LEASE)


def holding(run: Run) -> QuerySet[Run]:
    """The row, if the caller's claim is still the current one."""
    return Run.objects.filter(pk=run.pk, status=Status.RUNNING, token=run.token)


def run_finish(
    *,
    run: Run,
    verdict: str,
    report: dict[str, Any] | None = None,
    score: float | None = None,
    message: str = "",
    log_z: bytes = b"",
) -> bool:
    """Write the result once. False when the claim is not current any more: nothing was written."""
    return _end(holding(run), verdict=verdict, report=report, score=score, message=message, log_z=log_z)


def run_give_back(*, run: Run, log_z: bytes = b"") -> bool:
    """Our machinery failed: wait again, or end as infra_error after the last try.

    False when the claim is not current any more.
    """
    if run.tries >= MAX_TRIES:
        return _end(holding(run), verdict=Verdict.INFRA_ERROR, message=FAILED_TEXT, log_z=log_z)
    return _requeue(holding(run), run, message=_again_text(run))


def run_return(*, run: Run) -> bool:
    """This worker stops before the run is over: it waits again and has spent no try.

    False when the claim is not current any more.
    """
    return _requeue(holding(run), run, message=RETURNED_TEXT, tries=F("tries") - 1)


def run_cancel(*, run: Run) -> Run:
    """A waiting run ends at once, a running one when its worker sees the request; a finished run stays as it is.

    So does a second run that has begun: ended when its log looks bad and asked for again, it would confirm by luck.
    """
    waiting = Run.objects.filter(pk=run.pk, status=Status.QUEUED)
    if not _end(waiting, verdict=Verdict.CANCELLED, message=CANCELLED_TEXT):
        Run.objects.filter(pk=run.pk, status=Status.RUNNING, confirms__isnull=True).update(cancel_requested=True)
    run.refresh_from_db()
    return run


def run_replace(*, run: Run) -> bool:
    """End a waiting run because a newer one takes its place in line. False when it waits no more."""
    waiting = Run.objects.filter(pk=run.pk, status=Status.QUEUED)
    return _end(waiting, verdict=Verdict.CANCELLED, message=REPLACED_TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    requeued: int
    failed: int
    cancelled: int
    woken: tuple[str, ...]


def sweep() -> Swept:
    """Take runs back from workers that died, and wake the queues that have rows waiting."""
    moved = {"requeued": 0, "failed": 0, "cancelled": 0}
    for run in Run.objects.filter(status=Status.RUNNING, lease_expires_at__lt=timezone.now()):
        moved[_take_back(run)] += 1
    waiting = Run.objects.filter(status=Status.QUEUED).order_by().values_list("queue", flat=True).distinct()
    woken = tuple(sorted(waiting))
    for queue in woken:
        wake(queue)
    return Swept(requeued=moved["requeued"], failed=moved["failed"], cancelled=moved["cancelled"], woken=woken)


def _take_back(run: Run) -> str:
    expired = holding(run).filter(lease_expires_at__lt=timezone.now())
    log.warning("run %s: worker %s is gone (try %s)", run.pk, run.worker, run.tries)
    if run.cancel_requested:
        _end(expired, verdict=Verdict.CANCELLED, message=CANCELLED_TEXT, log_z=log_so_far(run.pk))
        return "cancelled"
    if run.tries >= MAX_TRIES:
        _end(expired, verdict=Verdict.INFRA_ERROR, message=FAILED_TEXT, log_z=log_so_far(run.pk))
        return "failed"
    _requeue(expired, run, message=_again_text(run))
    return "requeued"


def _end(rows: QuerySet[Run], *, verdict: str, **result: Any) -> bool:
    status = Status.CANCELLED if verdict == Verdict.CANCELLED else Status.DONE
    values = {"status": status, "verdict": verdict, "finished_at": timezone.now(), "lease_expires_at": None}
    return rows.update(**values, **result) == 1


def _again_text(run: Run) -> str:
    return f"Our machinery failed; this is tried again ({run.tries + 1} of {MAX_TRIES})."


def _requeue(rows: QuerySet[Run], run: Run, *, message: str, **more: Any) -> bool:
    with transaction.atomic():
        moved = rows.update(
            status=Status.QUEUED, queued_at=timezone.now(), worker="", lease_expires_at=None, message=message, **more
        )
        if moved:
            transaction.on_commit(lambda: wake(run.queue))
    return moved == 1


def runs_explain(*, queue: str, message: str) -> int:
    """Tell the learners whose runs wait in a queue why nothing starts."""
    waiting = Run.objects.filter(queue=queue, status=Status.QUEUED).exclude(message=message)
    return waiting.update(message=message[:2000])
