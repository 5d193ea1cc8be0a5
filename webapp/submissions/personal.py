"""What this app holds of a person: handed out as folders of files, and let go of when an account is deleted."""

from __future__ import annotations

import time
from typing import Any

import redis
from django.utils import timezone

from webapp.accounts.models import User
from webapp.accounts.personal import Files, Keeper, StillBusyError, delete_in_batches, document, listing
from webapp.submissions.keptlog import as_text, unpack
from webapp.submissions.logstream import connect, stream_key
from webapp.submissions.models import Draft, Regrade, Review, Run, Status, Submission
from webapp.submissions.queue import run_cancel

AT_A_TIME = 50
STOP_S = 8.0  # a worker sees a wish to cancel within two seconds
FORMER = "a former instructor"  # stands for a reviewer whose account is gone
REPORT = ("verdict", "score", "metrics", "checks", "usage")  # of it, what the page shows


def export(user: User) -> Files:
    yield from submissions(user)
    yield from drafts(user)
    yield from cells(user)
    given = Review.objects.filter(reviewer=user)
    yield from listing("reviews_given", given, "run_id", "decision", "reason", "decided_at")
    yield from listing("regrades_ordered", Regrade.objects.filter(requested_by=user), "reason", "created_at")


def submissions(user: User) -> Files:
    found = Submission.objects.filter(learner=user).select_related("exercise").prefetch_related("files", "runs")
    for submission in found.order_by("created_at").iterator(chunk_size=AT_A_TIME):
        folder = f"submissions/{submission.exercise.key}/{submission.created_at:%Y-%m-%d_%H%M%S}_{submission.pk}"
        for file in submission.files.all():
            yield f"{folder}/files/{file.name}", file.content.encode("utf-8", "replace")
        runs = list(submission.runs.all())
        yield f"{folder}/runs.json", document([told(run) for run in runs])
        for run in runs:
            if run.log_z:
                yield f"{folder}/log_{run.tier}_{run.pk}.txt", as_text(unpack(run.log_z)).encode()


def told(run: Run) -> dict[str, Any]:
    names = ("id", "tier", "status", "verdict", "message", "score", "created_at", "started_at", "finished_at")
    report = {name: run.report[name] for name in REPORT if name in run.report} if run.report else None
    return {**{name: getattr(run, name) for name in names}, "report": report}


def drafts(user: User) -> Files:
    for draft in Draft.objects.filter(learner=user).select_related("exercise"):
        for name, text in draft.texts.items():
            yield f"drafts/{draft.exercise.key}/{name}", str(text).encode("utf-8", "replace")


def cells(user: User) -> Files:
    """Runs of a lesson's cells: the code that was run, and what it printed."""
    found = Run.objects.filter(learner=user, kind=Run.Kind.CELL).order_by("created_at")
    for run in found.iterator(chunk_size=AT_A_TIME):
        about = {**told(run), "sources": run.cell_sources, "output": as_text(unpack(run.log_z))}
        yield f"cells/{run.cell_lesson}/{run.created_at:%Y-%m-%d_%H%M%S}_{run.pk}.json", document(about)


def stop(user: User) -> None:
    """Ends what waits, and has workers end what runs, second runs too. Raises StillBusyError when one takes longer."""
    for run in Run.objects.filter(learner=user, status=Status.QUEUED):
        run_cancel(run=run)
    running = Run.objects.filter(learner=user, status=Status.RUNNING)
    running.update(cancel_requested=True)
    deadline = time.monotonic() + STOP_S
    while running.filter(lease_expires_at__gt=timezone.now()).exists():
        if time.monotonic() > deadline:
            raise StillBusyError
        time.sleep(0.1)


def erase(user: User) -> None:
    """Runs go before the orders to grade again, which they protect; decisions about others' work stay, nameless."""
    forget_streams(user)
    mine = Run.objects.filter(learner=user)
    delete_in_batches(mine.filter(confirms__isnull=False))
    delete_in_batches(mine)
    Regrade.objects.filter(submission__learner=user).delete()
    delete_in_batches(Submission.objects.filter(learner=user))
    Review.objects.filter(reviewer=user).update(reviewer_name=FORMER)


def forget_streams(user: User) -> None:
    """Live logs that Redis still has. Raises StillBusyError while it does not answer."""
    streams = [stream_key(run) for run in Run.objects.filter(learner=user).order_by().values_list("pk", flat=True)]
    keys = [key for stream in streams for key in (stream, f"{stream}:owner")]
    try:
        with connect() as client:
            for first in range(0, len(keys), AT_A_TIME):
                client.unlink(*keys[first : first + AT_A_TIME])
    except redis.RedisError as error:
        raise StillBusyError from error


KEEPER = Keeper(
    name="work",
    models=(
        "submissions.Submission",
        "submissions.Run",
        "submissions.Draft",
        "submissions.Regrade",
        "submissions.Review",
    ),
    export=export,
    stop=stop,
    erase=erase,
)
