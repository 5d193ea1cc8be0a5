"""Where a waiting run stands, and how long it may take: from measured durations of the same exercise and tier."""

from __future__ import annotations

from statistics import median

from django.db.models import F

from webapp.catalog.course import course
from webapp.submissions.contexts import QueuePlace
from webapp.submissions.fairness import queue_order
from webapp.submissions.models import Run, Status, Verdict

SAMPLES = 9


def queue_place(run: Run) -> QueuePlace | None:
    """None unless the run waits."""
    if run.status != Status.QUEUED:
        return None
    order = queue_order(run.queue)
    position = order.index(run.pk) + 1 if run.pk in order else len(order) + 1
    running = list(Run.objects.filter(queue=run.queue, status=Status.RUNNING).select_related("submission__exercise"))
    ahead = Run.objects.filter(pk__in=order[: position - 1]).select_related("submission__exercise")
    waits = [expected_seconds(other) for other in [*ahead, *running]]
    known = [seconds for seconds in waits if seconds is not None]
    estimate = round(sum(known) / max(1, len(running))) if len(known) == len(waits) else None
    return QueuePlace(position=position, estimate_s=estimate, text=place_text(position, estimate))


def place_text(position: int, estimate: int | None) -> str:
    text = "Next in line" if position == 1 else f"Number {position} in line"
    return text + (f", about {duration_text(estimate)} to wait." if estimate else ".")


def expected_seconds(run: Run) -> float | None:
    """The median of the last finished runs of this exercise and tier; before any, what the manifest says."""
    if run.submission is None:
        return 10.0  # a cell: its limit is about a minute, most take seconds
    done = (
        Run.objects.filter(submission__exercise=run.submission.exercise, tier=run.tier, status=Status.DONE)
        .exclude(verdict=Verdict.INFRA_ERROR)
        .annotate(took=F("finished_at") - F("started_at"))
        .order_by("-finished_at")
    )
    took = [value.total_seconds() for value in done.values_list("took", flat=True)[:SAMPLES] if value is not None]
    if took:
        return float(median(took))
    exercise = course().exercise(run.submission.exercise.lesson, run.submission.exercise.slug)
    tiers = exercise.manifest.tiers.items() if exercise else ()
    return next((spec.seconds for name, spec in tiers if name == run.tier), None)


def duration_text(seconds: float | None) -> str:
    """45 s, 3 min, 1 h 20 min; "" for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
