from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from django.utils import timezone

from grader.events import LogEvent
from tests.unit.web.working import work_with
from webapp.accounts.models import User
from webapp.submissions import queue, waking
from webapp.submissions.keptlog import unpack
from webapp.submissions.livelog import LiveLog
from webapp.submissions.models import Run, Status, Verdict

Submit = Callable[..., Run]


def without_broker() -> Celery:
    """The site's own settings, and nobody who listens."""
    app = Celery()
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = "redis+socket:///nowhere/valkey.sock"
    return app


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
    monkeypatch.setattr(waking, "app", without_broker())
    assert queue.sweep().woken == ("smoke",)
    assert "could not be woken" in caplog.text


def test_a_poison_run_ends_and_the_operator_is_told(
    submit: Submit, learner: User, woken: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it does to its workers: tries are never reset, so it cannot go round for ever."""
    run = submit(learner)
    for number in range(queue.MAX_TRIES):
        assert claim().tries == number + 1
        expire()
        queue.sweep()
    assert queue.run_claim(queue="smoke", worker="w") is None
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1
    assert str(run.pk) in told[0].getMessage()


def test_our_fault_after_the_last_try_is_told_too(
    submit: Submit, learner: User, woken: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    submit(learner)
    for _ in range(queue.MAX_TRIES):
        assert queue.run_give_back(run=claim())
    assert [record.levelname for record in caplog.records].count("ERROR") == 1


def test_a_run_given_back_after_its_learner_cancelled_it_is_not_tried_again(
    submit: Submit, learner: User, woken: list[str]
) -> None:
    submit(learner)
    run = claim()
    queue.run_cancel(run=run)
    assert queue.run_give_back(run=run)
    run.refresh_from_db()
    assert (run.status, run.verdict) == (Status.CANCELLED, Verdict.CANCELLED)


def test_a_clock_that_jumps_forward_takes_runs_over_and_doubles_no_verdict(
    submit: Submit, learner: User, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(learner)
    old = claim()
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert queue.sweep().requeued == 1
    new = claim()
    assert not queue.run_finish(run=old, verdict=Verdict.PASSED)
    assert queue.run_finish(run=new, verdict=Verdict.FAILED)
    new.refresh_from_db()
    assert (new.verdict, new.token) == (Verdict.FAILED, 2)


def test_a_clock_that_jumps_back_leaves_no_run_hanging(
    submit: Submit, learner: User, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leases that end an hour too late become ordinary ones: a living worker renews them, a dead one loses the run."""
    submit(learner)
    submit(learner)
    dead, alive = claim(), claim()
    now = timezone.now() - timedelta(hours=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    assert queue.sweep().requeued == 0
    assert queue.run_heartbeat(worker=alive.worker, runs=[alive.pk]) == 1
    in_a_while = now + queue.LEASE - timedelta(seconds=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: in_a_while)
    queue.run_heartbeat(worker=alive.worker, runs=[alive.pk])
    in_a_minute = now + queue.LEASE + timedelta(seconds=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: in_a_minute)
    assert queue.sweep().requeued == 1
    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.status, alive.status) == (Status.QUEUED, Status.RUNNING)


def test_clocks_that_differ_a_little_are_let_be(submit: Submit, learner: User, woken: list[str]) -> None:
    submit(learner)
    run = claim()
    ahead = timezone.now() + queue.LEASE + timedelta(seconds=20)
    Run.objects.update(lease_expires_at=ahead)
    queue.sweep()
    run.refresh_from_db()
    assert run.lease_expires_at == ahead


def test_it_wakes_idle_slots_and_not_once_for_each_row(submit: Submit, learner: User, woken: list[str]) -> None:
    for _ in range(10):
        submit(learner)
    work_with("smoke", concurrency=3)
    claim()
    woken.clear()
    assert queue.sweep().woken == ("smoke",)
    assert woken == ["smoke", "smoke"]


def test_busy_slots_are_not_woken(submit: Submit, learner: User, woken: list[str]) -> None:
    """They look for their next run themselves; messages for them would only pile up."""
    submit(learner)
    submit(learner)
    work_with("smoke")
    claim()
    woken.clear()
    assert queue.sweep().woken == ()
    expire()
    assert queue.sweep().woken == ("smoke",)
    assert woken == ["smoke"]


def test_many_expired_leases_wake_their_queue_once(submit: Submit, learner: User, woken: list[str]) -> None:
    for _ in range(2):
        submit(learner)
        claim()
    expire()
    woken.clear()
    assert queue.sweep().requeued == 2
    assert woken == ["smoke"]


def test_a_click_does_not_wait_for_a_broker_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the patience that Celery has unless told otherwise it took six seconds."""
    monkeypatch.setattr(waking, "app", without_broker())
    began = time.monotonic()
    waking.wake("smoke")
    assert time.monotonic() - began < 1.5
