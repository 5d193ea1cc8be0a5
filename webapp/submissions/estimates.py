"""Where a waiting run stands, and how long it may take: from measured durations of its queue.

Nothing here grows with the queue but the count of those ahead, which an index alone answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean

from django.db.models import Count, F, Q, Value
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from webapp.catalog.course import course
from webapp.submissions.contexts import QueuePlace
from webapp.submissions.fairness import ahead_of
from webapp.submissions.models import Run, Status, Tier, Verdict, Worker
from webapp.submissions.workers import LENT_CORES, live_workers, obstacle, serving

SAMPLES = 50  # of the whole queue: long and short runs mixed, as they are ahead
CELL_S = 10.0  # its limit is about a minute, most take seconds
OWNED = gettext_noop("a timed run owns the cores of this machine")


def queue_place(run: Run) -> QueuePlace | None:
    """None unless the run waits. Three reads once anything was measured."""
    if run.status != Status.QUEUED:
        return None
    workers = live_workers()
    ahead, running, is_owned = line_of(run, serving(run.queue, workers))
    slots = sum(worker.concurrency for worker in serving(run.queue, workers)) or max(1, running)
    problem = obstacle(run, workers)
    before = max(0, ahead + running - slots + 1)  # how many must end before it starts
    estimate = None if problem else estimate_of(run, before / slots)
    text = place_text(ahead + 1, estimate, is_owned=is_owned and before > 0)
    return QueuePlace(position=ahead + 1, estimate_s=estimate, text=f"{text} {problem}".strip())


def line_of(run: Run, workers: Iterable[Worker]) -> tuple[int, int, bool]:
    """How many runs of its queue wait before a waiting run and how many run; whether a timed run has all cores."""
    line = Run.objects.filter(queue=run.queue, status__in=(Status.QUEUED, Status.RUNNING)).order_by()
    counts = line.filter(Q(status=Status.RUNNING) | ahead_of(run)).values_list("status").annotate(Count("pk"))
    if run.queue == Tier.SMOKE and any(worker.cores <= LENT_CORES for worker in workers):
        timed = Run.objects.filter(queue=Tier.CPU, status=Status.RUNNING, cores__gte=LENT_CORES).order_by()
        counts = counts.union(timed.values_list(Value("owned")).annotate(Count("pk")))
    found = dict(counts)
    return found.get(Status.QUEUED, 0), found.get(Status.RUNNING, 0), found.get("owned", 0) > 0


def estimate_of(run: Run, runs: float) -> int | None:
    """Seconds that so many runs of this queue take, one after the other; None before anything is known."""
    seconds = measured_seconds(run.queue) or announced_seconds(run)
    return None if seconds is None else round(runs * seconds)


def measured_seconds(queue: str) -> float | None:
    """The mean of the queue's last runs; None before there are any."""
    done = Run.objects.filter(queue=queue, status=Status.DONE, claimed_at__isnull=False)
    took = done.exclude(verdict=Verdict.INFRA_ERROR).annotate(took=F("finished_at") - F("started_at"))
    last = [value.total_seconds() for value in took.order_by("-claimed_at").values_list("took", flat=True)[:SAMPLES]]
    return mean(last) if last else None


def announced_seconds(run: Run) -> float | None:
    """What the manifest says of this exercise and tier; None if it is gone."""
    if run.submission is None:
        return CELL_S
    exercise = course().exercise(run.submission.exercise.lesson, run.submission.exercise.slug)
    tiers = exercise.manifest.tiers.items() if exercise else ()
    return next((spec.seconds for name, spec in tiers if name == run.tier), None)


def place_text(position: int, estimate: int | None, *, is_owned: bool = False) -> str:
    text = _("Next in line") if position == 1 else _("Number {position} in line").format(position=position)
    if is_owned:
        text = f"{text}: {_(OWNED)}"
    if not estimate:
        return f"{text}."
    return _("{place}, about {time} to wait.").format(place=text, time=duration_text(estimate))


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
