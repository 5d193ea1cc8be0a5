"""Who comes next: learners take turns, whatever each has waiting. The page's queue position uses the same order.

Start-time fair queuing (Goyal, Vin, Cheng: "Start-time Fair Queuing", SIGCOMM 1996), where every run weighs the same:
a run's turn is set once, when it is queued, to the round that the queue is in or to the one after its learner's last
run, whichever is later. So a burst spreads over the rounds to come, a newcomer joins the current one, and the next run
is the first row of an index, whatever the length of the queue.

Runs of rank 1 (second runs, regrades) wait behind every run of rank 0, in rounds of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from webapp.submissions.models import Run, Status

PATIENCE = timedelta(minutes=30)  # after which a run of rank 1 stands in line with first runs
ORDER = ("rank", "turn", "queued_at", "pk")
PROMOTIONS = 500  # at most so many rows of rank 1 are looked at in a sweep
_UNSERVED = Q(status=Status.CANCELLED, claimed_at__isnull=True)


def next_turn(*, learner: int, queue: str, rank: int) -> int:
    """The turn of a run that joins the queue now.

    Two runs of one learner that are queued in the same instant may get the same turn. Nobody loses more than one place
    by it, and the learner's next run comes after both.
    """
    runs = Run.objects.filter(queue=queue, rank=rank)
    last = _greatest(runs.filter(learner=learner).exclude(_UNSERVED))
    return max(_round(runs), 0 if last is None else last + 1)


def _round(runs: QuerySet[Run]) -> int:
    """The round that a queue is in: the greatest turn that was served. Three reads of the index `run_waiting`.

    The greatest, not the latest: a learner who was passed over at their limit is served late, with an old turn. And
    not before the round of whoever waits first, which says it where the rows of those who were served are deleted.
    """
    served = [_greatest(runs.filter(status=status)) for status in (Status.DONE, Status.RUNNING)]
    first = runs.filter(status=Status.QUEUED).order_by("turn").values_list("turn", flat=True).first()
    return max([0, *(turn for turn in served if turn is not None), 0 if first is None else first - 1])


def _greatest(runs: QuerySet[Run]) -> int | None:
    return runs.order_by("-turn").values_list("turn", flat=True).first()


def waiting_runs(queue: str) -> QuerySet[Run]:
    """In the order in which they are served, but for learners at their limit and runs that fit no worker."""
    return Run.objects.filter(queue=queue, status=Status.QUEUED).order_by(*ORDER)


def queue_order(queue: str, *, limit: int = 500) -> list[UUID]:
    return list(waiting_runs(queue).values_list("pk", flat=True)[:limit])


def ahead_of(run: Run) -> Q:
    """Which waiting runs of its queue come before a waiting run."""
    earlier = Q(queued_at__lt=run.queued_at) | Q(queued_at=run.queued_at, pk__lt=run.pk)
    same_rank = Q(rank=run.rank) & (Q(turn__lt=run.turn) | (Q(turn=run.turn) & earlier))
    return Q(rank__lt=run.rank) | same_rank


def next_run(queue: str, *, fitting: Q, slots: Callable[[], int]) -> UUID | None:
    """The run to claim; None when none waits that may start now.

    A learner with RANKZERO_RUNS_PER_USER runs in the queue is passed over while others wait. When nobody else does,
    they may use idle slots, but not the last one: it is kept for whoever comes next. `slots` tells how many runs of
    this queue the live workers can do at once (0: unknown, so the limit always holds).

    Two claims at the same moment may take a learner one over the limit: it is there for room, not for safety.
    """
    waiting = waiting_runs(queue).filter(fitting)
    busy = running_counts(queue)
    full = [learner for learner, count in busy.items() if count >= settings.RUNS_PER_USER]
    found = waiting.exclude(learner__in=full).values_list("pk", flat=True).first()
    if found is None and full and slots() - sum(busy.values()) >= 2:
        found = waiting.values_list("pk", flat=True).first()
    return found


def running_counts(queue: str) -> dict[int, int]:
    """Learner → how many runs they have running in the queue."""
    running = Run.objects.filter(queue=queue, status=Status.RUNNING).order_by()
    return dict(running.values_list("learner").annotate(Count("pk")))


def gap_close(run: Run) -> None:
    """A waiting run was cancelled: the learner's runs that stood right behind it move up, each to the turn before."""
    behind = Run.objects.filter(
        learner=run.learner_id, queue=run.queue, rank=run.rank, status=Status.QUEUED, turn__gt=run.turn
    )
    last = run.turn
    for turn in behind.order_by("turn").values_list("turn", flat=True):
        if turn > last + 1:
            break  # it joined a later round, and keeps it
        last = turn
    behind.filter(turn__lte=last).update(turn=F("turn") - 1)


def runs_promote() -> int:
    """Let runs of rank 1 that have waited for half an hour stand in line with first runs; returns how many.

    One for each learner at a time, or a regrade of all that they ever did would hold up what they submit next.
    """
    late = Run.objects.filter(status=Status.QUEUED, rank=1, created_at__lt=timezone.now() - PATIENCE)
    promoted = Run.objects.filter(Q(confirms__isnull=False) | Q(regrade__isnull=False), status=Status.QUEUED, rank=0)
    taken = set(promoted.values_list("learner", "queue"))
    count = 0
    for run in late.order_by("queue", *ORDER).only("learner", "queue")[:PROMOTIONS]:
        if (run.learner_id, run.queue) not in taken:
            taken.add((run.learner_id, run.queue))
            count += _promote(run)
    return count


@transaction.atomic
def _promote(run: Run) -> int:
    turn = next_turn(learner=run.learner_id, queue=run.queue, rank=0)
    return Run.objects.filter(pk=run.pk, status=Status.QUEUED, rank=1).update(rank=0, turn=turn)
