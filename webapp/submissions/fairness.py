"""Who comes next: learners take turns, whatever each has waiting. The page's queue position uses the same order."""

from __future__ import annotations

from collections import Counter, deque
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Max

from webapp.submissions.models import Run, Status

NEVER = datetime.min.replace(tzinfo=UTC)


def queue_order(queue: str, *, limit: int = 500) -> list[UUID]:
    """Waiting runs in the order in which they will be claimed, if nothing else arrives.

    First the learner with fewest runs running, then the one served longest ago, then the one who waits longest.
    """
    lines = waiting_lines(queue)
    running = Counter(Run.objects.filter(queue=queue, status=Status.RUNNING).values_list("learner", flat=True))
    served = last_served(queue, list(lines))
    order: list[UUID] = []
    while lines and len(order) < limit:
        learner = min(lines, key=lambda one: (running[one], served.get(one, (NEVER, 0)), lines[one][0]))
        order.append(lines[learner].popleft()[1])
        running[learner] += 1
        served[learner] = (datetime.max.replace(tzinfo=UTC), len(order))
        if not lines[learner]:
            del lines[learner]
    return order


def waiting_lines(queue: str) -> dict[int, deque[tuple[datetime, UUID]]]:
    """Learner → their waiting runs, oldest first."""
    lines: dict[int, deque[tuple[datetime, UUID]]] = {}
    rows = Run.objects.filter(queue=queue, status=Status.QUEUED).order_by("queued_at", "created_at")
    for learner, queued_at, run in rows.values_list("learner", "queued_at", "pk"):
        lines.setdefault(learner, deque()).append((queued_at, run))
    return lines


def last_served(queue: str, learners: list[int]) -> dict[int, tuple[datetime, int]]:
    rows = Run.objects.filter(queue=queue, learner__in=learners, claimed_at__isnull=False).order_by()
    found = rows.values_list("learner").annotate(last=Max("claimed_at"))
    return {learner: (last, 0) for learner, last in found}
