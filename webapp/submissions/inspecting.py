"""Reads for operators: which runs there are, and all that is known of one."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from webapp.submissions.models import Run

PREFIX = re.compile(r"[0-9a-f]{1,32}")
SPANS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def runs_by_prefix(text: str) -> list[Run]:
    """Runs whose id begins so, at most six; raises ValueError for what is no beginning of an id."""
    digits = text.lower().replace("-", "")
    if not PREFIX.fullmatch(digits):
        raise ValueError(f"{text!r} is no run's id, nor the beginning of one")
    low, high = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    return list(with_all(Run.objects.filter(pk__gte=low, pk__lte=high))[:6])


def with_all(runs: QuerySet[Run]) -> QuerySet[Run]:
    return runs.select_related("learner", "submission__exercise", "regrade").defer("log_z", "report")


def runs_matching(
    *, status: str = "", queue: str = "", verdict: str = "", user: str = "", since: datetime | None = None
) -> QuerySet[Run]:
    """Newest first; what is empty matches everything. `user` is a name or an e-mail address."""
    exact = {"status": status, "queue": queue, "verdict": verdict}
    runs = Run.objects.filter(**{name: value for name, value in exact.items() if value})
    if user:
        runs = runs.filter(Q(learner__username__iexact=user) | Q(learner__email__iexact=user))
    if since is not None:
        runs = runs.filter(created_at__gte=since)
    return with_all(runs)


def moment(text: str) -> datetime:
    """30m, 6h, 3d or 2w ago, or a date or time in the site's time zone. Raises ValueError."""
    span = re.fullmatch(r"(\d{1,4})([mhdw])", text)
    if span:
        return timezone.now() - timedelta(**{SPANS[span[2]]: int(span[1])})
    day = parse_date(text) if len(text) <= 10 else None
    found = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001  # made aware below
    if found is None:
        raise ValueError(f"{text!r} is no time: write 30m, 6h, 3d or 2w, or a date such as 2026-11-23")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def subject_of(run: Run) -> str:
    if run.submission is None:
        return f"{run.cell_lesson} cell {run.cell_index + 1}"
    return run.submission.exercise.key


def kind_of(run: Run) -> str:
    if run.confirms_id:
        return "second run"
    return "graded again" if run.regrade_id else run.kind


def run_facts(run: Run) -> dict[str, Any]:
    """Everything but the log, the Report and, until the run is over, the seed. Times are ISO 8601, in UTC."""
    return {
        "id": str(run.pk),
        "kind": kind_of(run),
        "subject": subject_of(run),
        "learner": run.learner.username,
        "submission": str(run.submission_id) if run.submission_id else None,
        "tier": run.tier,
        "queue": run.queue,
        "status": run.status,
        "verdict": run.verdict or None,
        "score": run.score,
        "message": run.message,
        "rank": run.rank,
        "turn": run.turn,
        "cores": run.cores,
        "memory_mb": run.memory_mb,
        "vram_mb": run.vram_mb,
        "tries": run.tries,
        "token": run.token,
        "worker": run.worker,
        "cancel_requested": run.cancel_requested,
        "confirms": str(run.confirms_id) if run.confirms_id else None,
        "regrade": run.regrade.reason if run.regrade else None,
        "seed": run.seed if run.is_finished else None,
        **{name: iso(getattr(run, name)) for name in TIMES},
    }


TIMES = ("created_at", "queued_at", "claimed_at", "started_at", "finished_at", "lease_expires_at")


def iso(value: datetime | None) -> str | None:
    return value.isoformat(timespec="seconds") if value else None
