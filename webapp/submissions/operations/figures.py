"""What waits, runs and works now, in a fixed number of queries whose cost does not grow with the runs ever made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q
from django.utils import timezone

from webapp.submissions.models import Run, Status, Tier, Worker
from webapp.submissions.workers import LIVE, serving


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """`expired` counts runs whose worker did not renew its lease in time; the sweeper takes them back."""

    depth: int = 0
    oldest_wait_s: float = 0.0
    running: int = 0
    expired: int = 0
    slots: int = 0  # runs that the live workers can do at once


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFigures:
    name: str
    host: str
    queues: tuple[str, ...]
    slots: int
    live: bool
    problem: str
    silent_s: float  # since it was last seen
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    queues: dict[str, QueueFigures]
    workers: tuple[WorkerFigures, ...]

    @property
    def live_workers(self) -> int:
        return sum(worker.live for worker in self.workers)

    @property
    def oldest_wait_s(self) -> float:
        return max(one.oldest_wait_s for one in self.queues.values())


def figures() -> Figures:
    now = timezone.now()
    rows = list(Worker.objects.all())
    waiting, running = waiting_figures(), running_figures(now)
    live = [row for row in rows if is_live(row, now)]
    queues = {queue: queue_figures(queue, now, waiting, running, live) for queue in Tier.values}
    return Figures(queues=queues, workers=tuple(worker_figures(row, now) for row in rows))


def queue_figures(
    queue: str,
    now: datetime,
    waiting: dict[str, tuple[int, datetime]],
    running: dict[str, tuple[int, int]],
    live: Iterable[Worker],
) -> QueueFigures:
    depth, oldest = waiting.get(queue, (0, now))
    held, expired = running.get(queue, (0, 0))
    return QueueFigures(
        depth=depth,
        oldest_wait_s=max(0.0, (now - oldest).total_seconds()),
        running=held,
        expired=expired,
        slots=sum(worker.concurrency for worker in serving(queue, live)),
    )


def waiting_figures() -> dict[str, tuple[int, datetime]]:
    """Queue → how many wait, and since when the first of them."""
    rows = Run.objects.filter(status=Status.QUEUED).order_by().values_list("queue")
    return {queue: (depth, oldest) for queue, depth, oldest in rows.annotate(Count("pk"), Min("queued_at"))}


def running_figures(now: datetime) -> dict[str, tuple[int, int]]:
    """Queue → how many run, and how many of them lost their worker."""
    rows = Run.objects.filter(status=Status.RUNNING).order_by().values_list("queue")
    counted = rows.annotate(Count("pk"), expired=Count("pk", filter=Q(lease_expires_at__lt=now)))
    return {queue: (held, expired) for queue, held, expired in counted}


def is_live(row: Worker, now: datetime) -> bool:
    return abs(now - row.seen_at) < LIVE


def worker_figures(row: Worker, now: datetime) -> WorkerFigures:
    return WorkerFigures(
        name=row.name,
        host=row.host,
        queues=tuple(row.queues),
        slots=row.concurrency,
        live=is_live(row, now),
        problem=row.problem,
        silent_s=max(0.0, (now - row.seen_at).total_seconds()),
        gpus=len(row.gpus),
    )
