"""Celery's side: each task is one call of a plain function."""

from __future__ import annotations

import multiprocessing
import os
from typing import Any

from celery.signals import worker_init, worker_process_init, worker_ready, worker_shutdown, worker_shutting_down
from django.utils import timezone

from grader.judge_start import READY
from webapp.config.celery import app
from webapp.config.paths import state_dir
from webapp.submissions import execution, queue, stopping
from webapp.submissions.beating import Heart
from webapp.submissions.limits import task_limits
from webapp.submissions.operations.retention import retention_apply
from webapp.submissions.waking import WORK

RETENTION_S = 60.0  # a night: it takes a slot of quick runs


@app.task(name=WORK)  # type: ignore[untyped-decorator]  # celery ships no types
def work(name: str) -> None:
    execution.drain(name)


@app.task(name="webapp.submissions.tasks.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    queue.sweep()


@app.task(name="webapp.submissions.tasks.retention")  # type: ignore[untyped-decorator]
def retention() -> None:
    retention_apply(now=timezone.now(), limit_s=RETENTION_S)


@worker_init.connect  # type: ignore[untyped-decorator]
def bound_tasks(**kwargs: Any) -> None:
    """Before the pool starts: by what the course's exercises may take."""
    work.soft_time_limit, work.time_limit = task_limits()


@worker_init.connect  # type: ignore[untyped-decorator]
def leave_no_folder(**kwargs: Any) -> None:
    """The pool's library makes a temporary folder, which a killed worker leaves behind: it may use ours instead."""
    multiprocessing.current_process()._config["tempdir"] = str(state_dir())  # type: ignore[attr-defined]


@worker_ready.connect  # type: ignore[untyped-decorator]
def start_heart(sender: Any, **kwargs: Any) -> None:
    """Its first beat is at once: what a predecessor left, or what was queued while no worker was there, starts now."""
    heart = Heart(
        name=f"{sender.hostname}:{os.getpid()}",
        queues=[str(name) for name in sender.app.amqp.queues.consume_from],
        concurrency=sender.pool.limit,
    )
    worker_shutdown.connect(lambda **_: heart.stop(), weak=False)
    heart.start()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def keep_a_judge_ready(**kwargs: Any) -> None:
    """Each process of the pool has the judge of its next run waiting; it ends with that process."""
    READY.keep()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def give_runs_back(**kwargs: Any) -> None:
    """A stop, as for a deploy, costs no run a try and nobody a minute: what cannot finish at once goes back."""
    stopping.stop()
