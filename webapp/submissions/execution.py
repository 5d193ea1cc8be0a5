"""Executes one run: the grader does the work, this module keeps the lease, the log and the result."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction

import grader
from grader import InfraError, ProgressEvent, SandboxUnavailable, SubmissionError
from grader.gpu.own import NO_GPU, has_gpu
from sandbox import open_backend
from webapp.catalog.course import course
from webapp.config.lab import lab_state
from webapp.config.logs import run_logging
from webapp.submissions import queue, services
from webapp.submissions.confirming import settled_report
from webapp.submissions.livelog import LiveLog
from webapp.submissions.models import UNMADE, Run, Tier, Verdict
from webapp.submissions.redaction import redact, redacted
from webapp.submissions.scratch import no_room
from webapp.submissions.stopping import Grace, await_word, is_stopping
from webapp.submissions.waking import wake

log = logging.getLogger(__name__)
HEARTBEAT_S = float(settings.HEARTBEAT_S)
POLL_S = 0.5
WORD_S = 2.0
DRAIN_S = 60.0  # then a message continues, so that the time limit of a task bounds one run and not a busy day
_SUFFIX = secrets.token_hex(4)


def worker_name() -> str:
    """One for each process; the suffix keeps a re-used process id from looking like its predecessor."""
    return f"{socket.gethostname()}:{os.getpid()}:{_SUFFIX}"[:120]


def drain(name: str) -> int:
    """Execute runs of the queue until nothing waits, or this worker is told to stop. Returns how many.

    So neither a lost message nor a doubled one matters: each run looks for the next itself.
    """
    began, done = time.monotonic(), 0
    while work(name) is not None:
        done += 1
        if time.monotonic() - began > DRAIN_S:
            wake(name)
            break
    return done


def work(name: str) -> Run | None:
    """Claim and execute one run of the queue. Returns it, or None when nothing waits or nothing may run here."""
    if is_stopping():
        return None
    problem = cannot_run(name)
    if problem:
        log.error("queue %s: %s", name, problem)
        queue.runs_explain(queue=name, message=problem)
        return None
    run = queue.run_claim(queue=name, worker=worker_name())
    if run is not None:
        execute(run)
    return run


def cannot_run(name: str) -> str:
    """Why no run of that queue may start on this machine now; "" when all is well. Nothing ever runs outside a box."""
    lab = lab_state()
    if lab.state != "ready":
        return lab.text
    if name == Tier.GPU and not has_gpu():
        return f"Nothing of the GPU tier starts: {NO_GPU}."
    try:
        open_backend("bubblewrap")
    except SandboxUnavailable as error:
        return f"No sandbox on this machine, so nothing runs. {error}"
    return no_room()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    verdict: str
    message: str = ""
    score: float | None = None
    report: dict[str, Any] | None = None


class Lease:
    """Holds a claim while it is used: renews it, and notices when it is lost, cancelled, or the worker has to stop."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.grace = Grace(settings.WORKER_GRACE_S)
        self._over = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._keep,), name=f"lease-{run.pk}", daemon=True
        )

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def cancelled(self) -> bool:
        """Whether to stop: asked by the grader, often."""
        return self._over.is_set() or self.grace.is_over()

    def _keep(self) -> None:
        renewed = time.monotonic()
        try:
            while not self._stop.wait(POLL_S):
                renewed = self._look(renewed)
        finally:
            connection.close()

    def _look(self, renewed: float) -> float:
        """A database that is away for a moment is asked again; the lease bounds how long that may last."""
        try:
            wanted = queue.holding(self.run).filter(cancel_requested=False).exists()
            if wanted and time.monotonic() - renewed >= HEARTBEAT_S:
                wanted = queue.run_heartbeat(worker=self.run.worker, runs=[self.run.pk]) == 1
                renewed = time.monotonic()
        except DatabaseError:
            log.warning("the lease could not be looked at; trying again", exc_info=True)
            return renewed
        if not wanted:
            self._over.set()
        return renewed


def execute(run: Run) -> None:
    """Run a claimed row to its end. Writes one result, or gives the run back when the fault is ours."""
    with run_logging(str(run.pk), queue=run.queue, tier=run.tier, tries=run.tries):
        live = LiveLog(run.pk, token=run.token)
        try:
            live.status()
            live.system(f"Started{f' again (try {run.tries})' if run.tries > 1 else ''}.")
            with Lease(run) as lease:
                result = perform(run, live, lease.cancelled)
            finish(run, result, live)
        except SubmissionError as error:
            text = f"This cannot be graded any more, because the exercise has changed: {error}. Submit again."
            # A second run that cannot be made says nothing against the pass.
            verdict = Verdict.CANCELLED if run.is_confirmation else Verdict.REJECTED
            finish(run, Result(verdict=verdict, message=text), live)
        except (Exception, SystemExit) as error:
            ended = isinstance(error, SystemExit)  # the pool ends this process
            if not (ended and await_word(WORD_S)):
                log.exception("the run failed by our fault")
            give_back(run, live)
            if ended:
                raise
        finally:
            live.status()
            live.close()


def give_back(run: Run, live: LiveLog) -> None:
    """What did not come to an end waits again; it spends a try unless this worker was told to stop."""
    if is_stopping():
        live.system("The worker was stopped; the run waits for another one.")
        log.info("given back: the worker stops")
        queue.run_return(run=run)
    else:
        live.system("Our machinery failed; the run is given back.")
        queue.run_give_back(run=run, log_z=live.packed())


def finish(run: Run, result: Result, live: LiveLog) -> None:
    """The last step of a run that came to an end; what ended early, but not by the learner's wish, waits again."""
    run.refresh_from_db(fields=["cancel_requested"])
    cancelled = run.cancel_requested and result.verdict in UNMADE
    if not cancelled and (result.verdict == Verdict.INFRA_ERROR or (result.verdict in UNMADE and is_stopping())):
        give_back(run, live)
        return
    if write(run, result, live.packed(), cancelled=cancelled):
        log.info("%s, tier %s: %s", run.kind, run.tier, result.verdict)
    else:
        log.warning("the lease was lost: this result is dropped, another worker has the run")


@transaction.atomic
def write(run: Run, result: Result, log_z: bytes, *, cancelled: bool) -> bool:
    """The result and, after a pass that wants one, the second run: both or neither. False when the lease was lost."""
    written = queue.run_finish(
        run=run,
        verdict=Verdict.CANCELLED if cancelled else result.verdict,
        report=redacted(result.report),
        score=result.score,
        message=queue.CANCELLED_TEXT if cancelled else redact(result.message)[:2000],
        log_z=log_z,
    )
    if written:
        run.refresh_from_db(fields=["verdict"])
        services.confirmation_create(run=run)
    return written


def perform(run: Run, live: LiveLog, cancelled: Callable[[], bool]) -> Result:
    return run_cell(run, live, cancelled) if run.kind == Run.Kind.CELL else grade(run, live, cancelled)


def grade(run: Run, live: LiveLog, cancelled: Callable[[], bool]) -> Result:
    assert run.submission is not None
    mirror = run.submission.exercise
    content = course().exercise(mirror.lesson, mirror.slug)
    if content is None:
        raise InfraError(f"exercise {mirror.key} is not among the lessons of this worker: run manage.py lessons check")
    if content.content_hash != run.submission.content_hash:
        live.system("The exercise has changed since this was submitted; it is graded as it is now.")
    files = {file.name: file.content.encode() for file in run.submission.files.all()}
    live.add(ProgressEvent(text="Preparing a box", done=None))
    report = grader.grade(
        content,
        files,
        tier=run.tier,
        seed=run.seed,
        certified=run.is_confirmation,
        on_event=live.add,
        cancelled=cancelled,
    )
    if run.confirms is not None:
        report = grader.confirm_report(settled_report(run.confirms), report)
    return Result(
        verdict=report.verdict,
        message=report.message,
        score=None if report.verdict in (Verdict.CANCELLED, Verdict.INFRA_ERROR) else report.score,
        report=report.model_dump(mode="json", by_alias=True),
    )


def run_cell(run: Run, live: LiveLog, cancelled: Callable[[], bool]) -> Result:
    done = grader.run_cell(run.cell_sources, on_event=live.add, cancelled=cancelled)
    return Result(verdict=done.verdict, message=done.message)
