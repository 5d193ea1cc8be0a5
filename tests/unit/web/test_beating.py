"""The thread of a worker's main process: what it offers, and sweeps that no run can hold up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery.signals import worker_shutdown
from django.db import DatabaseError, OperationalError
from django.utils import timezone

from webapp.accounts.models import User
from webapp.submissions import beating, execution, queue, tasks
from webapp.submissions.beating import Heart
from webapp.submissions.limits import FLOOR_S, longest_run_s, task_limits
from webapp.submissions.models import Run, Status, Worker

Submit = Callable[..., Run]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("woken", "able")]


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "cannot_run", lambda name: "")


@pytest.fixture
def heart() -> Iterator[Heart]:
    made = Heart(name="smoke@here:1", queues=["smoke"], concurrency=2)
    yield made
    if made.is_alive():
        made.stop()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.05)


def test_it_sweeps_and_advertises_at_once_and_again_and_withdraws_at_the_end(
    heart: Heart, submit: Submit, learner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beating, "EVERY_S", 0.05)
    monkeypatch.setattr(beating, "JITTER_S", 0.01)
    run = submit(learner)
    queue.run_claim(queue="smoke", worker="dead")
    Run.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    heart.start()
    wait_for(lambda: Run.objects.get(pk=run.pk).status == Status.QUEUED)
    first = Worker.objects.get()
    assert (first.name, first.queues, first.concurrency, first.problem) == ("smoke@here:1", ["smoke"], 2, "")
    wait_for(lambda: Worker.objects.get().seen_at > first.seen_at)
    heart.stop()
    assert not heart.is_alive()
    assert not Worker.objects.exists()


def test_it_survives_a_database_that_is_locked(
    heart: Heart, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sweeps: list[int] = []

    def locked() -> None:
        sweeps.append(1)
        if len(sweeps) < 3:
            raise OperationalError("database is locked")

    monkeypatch.setattr(beating, "EVERY_S", 0.02)
    monkeypatch.setattr(beating, "JITTER_S", 0.01)
    monkeypatch.setattr(queue, "sweep", locked)
    heart.start()
    wait_for(lambda: len(sweeps) > 3)
    assert caplog.text.count("tried again") == 2


def test_it_survives_what_nobody_thought_of(heart: Heart, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(queue, "sweep", broken)
    heart.beat()
    assert Worker.objects.count() == 1


def test_it_tells_why_it_can_do_nothing(heart: Heart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "cannot_run", lambda name: "The lab is not installed yet.")
    heart.beat()
    row = Worker.objects.get()
    assert (row.queues, row.problem) == (["smoke"], "The lab is not installed yet.")


def test_what_waiting_runs_were_told_goes_when_it_is_over(
    heart: Heart, submit: Submit, learner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = "The lab is not installed yet."
    monkeypatch.setattr(execution, "cannot_run", lambda name: problem)
    given_back, run = submit(learner), submit(learner)
    claimed = queue.run_claim(queue="smoke", worker="w")
    assert claimed is not None
    assert queue.run_give_back(run=claimed)
    queue.runs_explain(queue="smoke", message=problem)
    Run.objects.filter(pk=given_back.pk).update(message="tried again")
    heart.beat()
    run.refresh_from_db()
    assert run.message == problem
    problem = ""
    heart.beat()
    run.refresh_from_db()
    given_back.refresh_from_db()
    assert (run.message, given_back.message) == ("", "tried again")


def test_of_several_queues_it_offers_those_that_it_can_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "cannot_run", lambda name: "no GPU" if name == "gpu" else "")
    Heart(name="w", queues=["smoke", "gpu"], concurrency=1).beat()
    row = Worker.objects.get()
    assert (row.queues, row.problem) == (["smoke"], "")


def test_no_process_is_forked_in_the_middle_of_a_beat(heart: Heart, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child would inherit an open database, and locks of threads that it does not have."""
    in_beat, go_on, order = threading.Event(), threading.Event(), []

    def sweep() -> None:
        in_beat.set()
        assert go_on.wait(20)
        order.append("swept")

    monkeypatch.setattr(queue, "sweep", sweep)
    beat = threading.Thread(target=heart.beat)
    beat.start()
    assert in_beat.wait(20)
    threading.Timer(0.3, go_on.set).start()
    child = os.posix_spawn("/bin/true", ["true"], {})  # the control: what does not fork a copy need not wait
    os.waitpid(child, 0)
    assert order == []
    forked = os.fork()
    if forked == 0:
        os._exit(0)
    order.append("forked")
    assert os.waitpid(forked, 0)[1] == 0
    beat.join()
    assert order == ["swept", "forked"]


def test_the_worker_starts_it_and_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[str] = []
    monkeypatch.setattr(Heart, "beat", lambda heart: beats.append(heart._worker))
    app: Any = SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from={"cpu": None})))
    known = list(worker_shutdown.receivers)
    try:
        tasks.start_heart(sender=SimpleNamespace(hostname="cpu-7@h", app=app, pool=SimpleNamespace(limit=3)))
        wait_for(lambda: beats == [f"cpu-7@h:{os.getpid()}"])
        assert "heart" in [thread.name for thread in threading.enumerate()]
        worker_shutdown.send(sender=None)
        assert "heart" not in [thread.name for thread in threading.enumerate()]
    finally:
        worker_shutdown.receivers = known


def test_the_end_of_a_worker_does_not_need_the_database(heart: Heart, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(name: str) -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(beating, "worker_withdraw", away)
    heart.start()
    heart.stop()
    assert not heart.is_alive()


def test_the_limits_of_a_task_are_above_what_any_run_may_take() -> None:
    tasks.bound_tasks()
    soft, hard = tasks.work.soft_time_limit, tasks.work.time_limit
    assert (soft, hard) == task_limits()
    assert longest_run_s() < soft < hard
    assert soft >= FLOOR_S
