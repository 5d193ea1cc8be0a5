"""Who comes next: learners take turns, whatever each has waiting. The page's queue position uses the same order."""

from __future__ import annotations

from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from webapp.submissions.models import Run, Status

NEVER = datetime.min.replace(tzinfo=UTC)
PATIENCE = timedelta(minutes=30)  # after which a second run no longer stands behind first ones


def queue_order(queue: str, *, limit: int = 500) -> list[UUID]:
    """Waiting runs in the order in which they will be claimed, if nothing else arrives.

    First the learner with fewest runs running, then the one served longest ago, then the one who waits longest. Second
    runs come after all first runs, until they have waited for half an hour: nobody's verdict waits for them.
    """
    waiting = Run.objects.filter(queue=queue, status=Status.QUEUED)
    later = Q(confirms__isnull=False, created_at__gt=timezone.now() - PATIENCE)
    running = Counter(Run.objects.filter(queue=queue, status=Status.RUNNING).values_list("learner", flat=True))
    served = last_served(queue, list(waiting.order_by().values_list("learner", flat=True).distinct()))
    order: list[UUID] = []
    for rows in (waiting.exclude(later), waiting.filter(later)):
        let_take_turns(waiting_lines(rows), running, served, order, limit)
    return order


def let_take_turns(
    lines: dict[int, deque[tuple[datetime, UUID]]],
    running: Counter[int],
    served: dict[int, tuple[datetime, int]],
    order: list[UUID],
    limit: int,
) -> None:
    """Move runs from the learners' lines to the end of `order`, and count them as running."""
    while lines and len(order) < limit:
        learner = min(lines, key=lambda one: (running[one], served.get(one, (NEVER, 0)), lines[one][0]))
        order.append(lines[learner].popleft()[1])
        running[learner] += 1
        served[learner] = (datetime.max.replace(tzinfo=UTC), len(order))
        if not lines[learner]:
            del lines[learner]


def waiting_lines(rows: QuerySet[Run]) -> dict[int, deque[tuple[datetime, UUID]]]:
    """Learner → their waiting runs, oldest first."""
    lines: dict[int, deque[tuple[datetime, UUID]]] = {}
    for learner, queued_at, run in rows.order_by("queued_at", "created_at").values_list("learner", "queued_at", "pk"):
        lines.setdefault(learner, deque()).append((queued_at, run))
    return lines


def last_served(queue: str, learners: list[int]) -> dict[int, tuple[datetime, int]]:
    rows = Run.objects.filter(queue=queue, learner__in=learners, claimed_at__isnull=False).order_by()
    found = rows.values_list("learner").annotate(last=Max("claimed_at"))
    return {learner: (last, 0) for learner, last in found}
