"""Celery's side: each task is one call of a plain function."""

from __future__ import annotations

from typing import Any

from celery.signals import worker_process_init, worker_ready, worker_shutting_down

from grader.judge_start import READY
from webapp.config.celery import app
from webapp.submissions import execution, queue, stopping
from webapp.submissions.waking import WORK


@app.task(name=WORK)  # type: ignore[untyped-decorator]  # celery ships no types
def work(name: str) -> None:
    execution.drain(name)


@app.task(name="webapp.submissions.tasks.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    queue.sweep()


@worker_ready.connect  # type: ignore[untyped-decorator]
def sweep_at_start(**kwargs: Any) -> None:
    """Runs that were left by a worker's predecessor, or queued while none was there, need no timer."""
    queue.sweep()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def keep_a_judge_ready(**kwargs: Any) -> None:
    """Each process of the pool has the judge of its next run waiting; it ends with that process."""
    READY.keep()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def give_runs_back(**kwargs: Any) -> None:
    """A stop, as for a deploy, costs no run a try and nobody a minute: what cannot finish at once goes back."""
    stopping.stop()
