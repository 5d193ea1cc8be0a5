"""Moves runs through their states. Every move is a compare-and-set: one UPDATE that names the state it expects.

Who holds the current token may write results; a worker that lost its lease finds that its token is old and is ignored.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.utils import timezone

from webapp.config.logs import run_logging
from webapp.submissions.fairness import gap_close, next_run, runs_promote
from webapp.submissions.livelog import log_so_far
from webapp.submissions.models import UNMADE, Run, Status, Tier, Verdict
from webapp.submissions.waking import wake
from webapp.submissions.workers import Offer, live_slots, live_workers, machine_offer, serving, workers_forget

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=settings.LEASE_S)
SLACK = timedelta(seconds=30)  # what clocks of several machines may differ by
MAX_TRIES = 3
RACES = 50
FAILED_TEXT = "We could not run this: the fault is ours, and it cost you nothing. Please try again later."
CANCELLED_TEXT = "Cancelled."
RETURNED_TEXT = "Its worker was stopped by the operator; this waits for another one, and starts anew."
REPLACED_TEXT = "Replaced by a newer submission."


def run_claim(*, queue: str, worker: str, offer: Offer | None = None) -> Run | None:
    """The run whose turn it is, now this worker's; None when none waits that may start here.

    `offer` is what the worker has, by default what this machine has.
    """
    fitting = (offer or machine_offer()).fitting()
    for _ in range(RACES):
        waiting = next_run(queue, fitting=fitting, slots=lambda: live_slots(queue))
        if waiting is None:
            return None
        now = timezone.now()
        claimed = Run.objects.filter(pk=waiting, status=Status.QUEUED).update(
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
            return Run.objects.select_related("submission__exercise", "learner", "confirms").get(pk=waiting)
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
    """Our machinery failed: wait again, or end as infra_error after the last try, or as cancelled if that was asked.

    False when the claim is not current any more.
    """
    moved = _take_from(holding(run), run, lambda: log_z)
    if moved == "requeued":
        _wake_later(run.queue)
    return moved != ""


def run_return(*, run: Run) -> bool:
    """This worker stops before the run is over: it waits again and has spent no try.

    False when the claim is not current any more.
    """
    if not _requeue(holding(run), message=RETURNED_TEXT, tries=F("tries") - 1):
        return False
    _wake_later(run.queue)
    return True


@transaction.atomic
def run_cancel(*, run: Run) -> Run:
    """A waiting run ends at once, a running one when its worker sees the request; a finished run stays as it is.

    So does a second run that has begun: ended when its log looks bad and asked for again, it would confirm by luck.
    """
    waiting = Run.objects.filter(pk=run.pk, status=Status.QUEUED)
    was_waiting = _end(waiting, verdict=Verdict.CANCELLED, message=CANCELLED_TEXT)
    if not was_waiting:
        Run.objects.filter(pk=run.pk, status=Status.RUNNING, confirms__isnull=True).update(cancel_requested=True)
    run.refresh_from_db()
    if was_waiting:
        gap_close(run)
    return run


def run_replace(*, run: Run) -> bool:
    """End a waiting run because a newer one takes its place in line. False when it waits no more."""
    waiting = Run.objects.filter(pk=run.pk, status=Status.QUEUED)
    return _end(waiting, verdict=Verdict.CANCELLED, message=REPLACED_TEXT)


def run_requeue(*, run: Run) -> str:
    """An operator's order: make a run again that we failed to make, or take one back whose worker is gone.

    It keeps its id and its turn, and has all its tries anew. Returns what was done in words; raises ValueError with the
    reason where nothing may be done.
    """
    moved = _take_back(run) if run.status == Status.RUNNING else ""
    if moved in ("requeued", "cancelled"):
        _wake_later(run.queue)
        return f"taken back from {run.worker}, whose lease has expired, and {moved}"
    run.refresh_from_db(fields=["status", "verdict", "lease_expires_at"])
    if run.verdict != Verdict.INFRA_ERROR:
        raise ValueError(_why_not(run))
    if _is_confirmed_by_another(run):
        raise ValueError("another second run of the same pass was made meanwhile; one is enough")
    failed = Run.objects.filter(pk=run.pk, status=Status.DONE, verdict=Verdict.INFRA_ERROR)
    fresh: dict[str, Any] = {"verdict": "", "finished_at": None, "tries": 0, "cancel_requested": False, "score": None}
    if not _requeue(failed, message="", report=None, **fresh):
        raise ValueError("it has moved on in this very moment; look again")
    _wake_later(run.queue)
    return "queued again, with all its tries"


def _why_not(run: Run) -> str:
    if run.status == Status.QUEUED:
        return "it waits already"
    if run.status == Status.RUNNING:
        return (
            f"its worker holds it until {run.lease_expires_at:%H:%M:%S} UTC: cancel it, or wait until that has passed"
        )
    return f"it has ended as {run.verdict}: only infra_error is made again. To grade it again: manage.py runs regrade"


def _is_confirmed_by_another(run: Run) -> bool:
    return run.is_confirmation and Run.objects.filter(confirms=run.confirms_id).exclude(verdict__in=UNMADE).exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    requeued: int
    failed: int
    cancelled: int
    woken: tuple[str, ...]


def sweep() -> Swept:
    """Take runs back from workers that died, let late ones move up, and wake the queues that have rows waiting.

    Any number of processes may do it at the same time.
    """
    _shorten_leases()
    moved = Counter(_take_back(run) for run in _expired().defer("log_z", "report"))
    runs_promote()
    workers_forget()
    return Swept(requeued=moved["requeued"], failed=moved["failed"], cancelled=moved["cancelled"], woken=_wake_idle())


def _expired() -> QuerySet[Run]:
    return Run.objects.filter(status=Status.RUNNING, lease_expires_at__lt=timezone.now())


def _shorten_leases() -> None:
    """A clock that was set back leaves leases that end far too late. A living worker soon renews the shorter one."""
    now = timezone.now()
    far = Run.objects.filter(status=Status.RUNNING, lease_expires_at__gt=now + LEASE + SLACK)
    if far.update(lease_expires_at=now + LEASE):
        log.warning("leases ended far too late, as after a clock that was set back; they are as long as any other now")


def _take_back(run: Run) -> str:
    with run_logging(str(run.pk), queue=run.queue, tier=run.tier, tries=run.tries):
        moved = _take_from(holding(run) & _expired(), run, lambda: log_so_far(run.pk))
        if moved:
            log.warning("run %s: worker %s is gone (try %s)", run.pk, run.worker, run.tries)
    return moved


def _take_from(claimed: QuerySet[Run], run: Run, log_z: Callable[[], bytes]) -> str:
    """End a claim that came to nothing: cancelled, failed, requeued, or "" when the row had moved on."""
    if claimed.filter(cancel_requested=True).exists():
        return "cancelled" if _end(claimed, verdict=Verdict.CANCELLED, message=CANCELLED_TEXT, log_z=log_z()) else ""
    if run.tries < MAX_TRIES:
        text = f"Our machinery failed; this is tried again ({run.tries + 1} of {MAX_TRIES})."
        return "requeued" if _requeue(claimed, message=text) else ""
    if not _end(claimed, verdict=Verdict.INFRA_ERROR, message=FAILED_TEXT, log_z=log_z()):
        return ""
    log.error("run %s: infra_error after %s tries, last on worker %s; see its log", run.pk, run.tries, run.worker)
    return "failed"


def _end(rows: QuerySet[Run], *, verdict: str, **result: Any) -> bool:
    status = Status.CANCELLED if verdict == Verdict.CANCELLED else Status.DONE
    values = {"status": status, "verdict": verdict, "finished_at": timezone.now(), "lease_expires_at": None}
    return rows.update(**values, **result) == 1


def _requeue(rows: QuerySet[Run], *, message: str, **more: Any) -> bool:
    """The run waits again, in its old place. It has not run: cancelled now, it costs no time."""
    values = {"status": Status.QUEUED, "worker": "", "lease_expires_at": None, "started_at": None}
    return rows.update(**values, message=message, **more) == 1


def _wake_later(queue: str) -> None:
    transaction.on_commit(lambda: wake(queue))


def _wake_idle() -> tuple[str, ...]:
    """Wake as many slots as are idle and have something to do; returns the queues.

    A busy slot looks for its next run by itself. One message is sent where no worker is known.
    """
    workers, woken = live_workers(), []
    running = dict(Run.objects.filter(status=Status.RUNNING).order_by().values_list("queue").annotate(Count("pk")))
    for queue in sorted(Tier.values):
        slots = sum(worker.concurrency for worker in serving(queue, workers))
        idle = slots - running.get(queue, 0) if slots else 1
        waiting = Run.objects.filter(queue=queue, status=Status.QUEUED).order_by()[: max(0, idle)].count()
        for _ in range(waiting):
            wake(queue)
        woken += [queue] * (waiting > 0)
    return tuple(woken)


def runs_explain(*, queue: str, message: str) -> int:
    """Tell the learners whose runs wait in a queue why nothing starts."""
    waiting = Run.objects.filter(queue=queue, status=Status.QUEUED).exclude(message=message)
    return waiting.update(message=message[:2000])


def runs_unexplain(*, queue: str) -> int:
    """The queue is served (again): what its waiting runs were told goes, and their places are shown."""
    waiting = Run.objects.filter(queue=queue, status=Status.QUEUED, claimed_at__isnull=True)
    return waiting.exclude(message="").update(message="")
