"""Deletes in time what nobody needs for ever. Submissions, verdicts, scores and reports are never touched.

What is deleted, after how many days (0: never): the logs of finished runs (RANKZERO_KEEP_LOGS_DAYS), runs of lesson
cells (RANKZERO_KEEP_CELLS_DAYS), records of sign-ins (RANKZERO_KEEP_SIGNINS_DAYS), messages that were written to files
(RANKZERO_KEEP_MAIL_DAYS); and sessions that have ended, always.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Model, QuerySet

from webapp.submissions.keptlog import pack
from webapp.submissions.logstream import Entry
from webapp.submissions.models import TERMINAL, Run, Verdict

BATCH = 200  # rows a transaction: others never wait long for SQLite's one writer
READ = 10_000  # keys at a time
GONE_TEXT = "The log of this run was deleted: this site keeps logs for a limited time. Verdict and report stay."
GONE = pack([Entry(type="line", n=1, stream="system", text=GONE_TEXT)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of thing with an end. `rows`: what is older than a moment; `drop`: deletes a batch of them."""

    name: str
    days: int
    rows: Callable[[datetime], QuerySet[Any]]
    drop: Callable[[QuerySet[Any]], object]


def kinds() -> tuple[Kind, ...]:
    return (
        Kind(name="logs", days=settings.KEEP_LOGS_DAYS, rows=old_logs, drop=lambda rows: rows.update(log_z=GONE)),
        Kind(name="cells", days=settings.KEEP_CELLS_DAYS, rows=old_cells, drop=delete),
        *(
            Kind(name=f"sign-ins ({model.__name__})", days=settings.KEEP_SIGNINS_DAYS, rows=older(model), drop=delete)
            for model in (AccessAttempt, AccessFailureLog, AccessLog)
        ),
    )


def retention_apply(*, now: datetime, limit_s: float | None = None, dry_run: bool = False) -> dict[str, int]:
    """How many of each kind were deleted, or would be. Stops after `limit_s` seconds; the next call goes on."""
    deadline = float("inf") if limit_s is None else time.monotonic() + limit_s
    done = {}
    for kind in kinds():
        rows = kind.rows(now - timedelta(days=kind.days)) if kind.days else None
        done[kind.name] = 0 if rows is None else rows.count() if dry_run else drop_all(kind, rows, deadline)
    sessions = Session.objects.filter(expire_date__lt=now)
    done["sessions"] = sessions.count() if dry_run else sessions.delete()[0]
    done["mail"] = drop_mail(now, dry_run=dry_run)
    return done


def drop_all(kind: Kind, rows: QuerySet[Any], deadline: float) -> int:
    dropped = 0
    for keys in batches(rows):
        if time.monotonic() > deadline:
            break
        kind.drop(rows.filter(pk__in=keys))
        dropped += len(keys)
    return dropped


def batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Keys of all rows, some at a time: what was handled must not be found again."""
    while keys := list(rows.order_by().values_list("pk", flat=True)[:READ]):
        for first in range(0, len(keys), BATCH):
            yield keys[first : first + BATCH]


def finished_before(moment: datetime) -> QuerySet[Run]:
    return Run.objects.filter(verdict__in=Verdict.values, finished_at__lt=moment, status__in=TERMINAL)


def old_logs(moment: datetime) -> QuerySet[Run]:
    return finished_before(moment).exclude(log_z__in=(b"", GONE))


def old_cells(moment: datetime) -> QuerySet[Run]:
    return finished_before(moment).filter(kind=Run.Kind.CELL)


def older(model: type[Model]) -> Callable[[datetime], QuerySet[Any]]:
    return lambda moment: model._default_manager.filter(attempt_time__lt=moment)


def delete(rows: QuerySet[Any]) -> None:
    rows.delete()


def drop_mail(now: datetime, *, dry_run: bool) -> int:
    """Messages that a site without a mail server wrote to files; they hold links that reset passwords."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    if not settings.KEEP_MAIL_DAYS or folder is None or not Path(folder).is_dir():
        return 0
    moment = (now - timedelta(days=settings.KEEP_MAIL_DAYS)).timestamp()
    old = [path for path in Path(folder).glob("*.log") if path.stat().st_mtime < moment]
    for path in [] if dry_run else old:
        path.unlink(missing_ok=True)
    return len(old)
