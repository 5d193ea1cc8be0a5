from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from django.utils import timezone

from grader.events import LogEvent
from webapp.accounts.models import User
from webapp.submissions import queue, waking
from webapp.submissions.keptlog import unpack
from webapp.submissions.livelog import LiveLog
from webapp.submissions.models import Run, Status, Verdict

Submit = Callable[..., Run]


def expire() -> None:
    Run.objects.filter(status=Status.RUNNING).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def claim() -> Run:
    run = queue.run_claim(queue="smoke", worker="w")
    assert run is not None
    return run


def test_it_takes_a_run_back_from_a_dead_worker(submit: Submit, learner: User, woken: list[str]) -> None:
    run = submit(learner)
    claim()
    expire()
    swept = queue.sweep()
    run.refresh_from_db()
    assert (swept.requeued, swept.woken) == (1, ("smoke",))
    assert (run.status, run.worker, run.tries) == (Status.QUEUED, "", 1)
    assert "2 of 3" in run.message
    assert woken == ["smoke"]


def test_it_leaves_a_living_lease_alone(submit: Submit, learner: User, woken: list[str]) -> None:
    submit(learner)
    run = claim()
    assert queue.sweep().requeued == 0
    run.refresh_from_db()
    assert run.status == Status.RUNNING
    assert woken == []


def test_it_gives_up_after_three_tries_at_no_cost(submit: Submit, learner: User, woken: list[str]) -> None:
    run = submit(learner)
    for _ in range(3):
        live = LiveLog(claim().pk)
        live.add(LogEvent(stream="out", text="so far"))
        live.close()
        expire()
        swept = queue.sweep()
    run.refresh_from_db()
    assert swept.failed == 1
    assert (run.status, run.verdict, run.tries, run.score) == (Status.DONE, Verdict.INFRA_ERROR, 3, None)
    assert "cost you nothing" in run.message
    assert [entry["text"] for entry in unpack(run.log_z)] == ["so far"] * 3


def test_it_ends_a_cancelled_run_whose_worker_died(submit: Submit, learner: User, woken: list[str]) -> None:
    run = submit(learner)
    queue.run_cancel(run=claim())
    expire()
    assert queue.sweep().cancelled == 1
    run.refresh_from_db()
    assert (run.status, run.verdict) == (Status.CANCELLED, Verdict.CANCELLED)


def test_it_wakes_each_queue_that_waits(submit: Submit, learner: User, woken: list[str]) -> None:
    for tier in ("smoke", "cpu", "cpu"):
        submit(learner, tier)
    assert queue.sweep().woken == ("cpu", "smoke")
    assert woken == ["cpu", "smoke"]


def test_it_survives_a_broker_that_is_away(
    submit: Submit, learner: User, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    submit(learner)
    monkeypatch.setattr(waking, "app", Celery(broker="redis+socket:///nowhere/valkey.sock"))
    assert queue.sweep().woken == ("smoke",)
    assert "could not be woken" in caplog.text
