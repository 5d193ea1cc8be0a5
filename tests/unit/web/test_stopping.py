"""A worker that is stopped gives its run back at once, and the run has lost nothing by it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import grader
from grader import Report
from tests.unit.web.reports import report
from webapp.accounts.models import User
from webapp.submissions import execution, stopping, tasks
from webapp.submissions.keptlog import unpack
from webapp.submissions.models import Run, Status, Verdict
from webapp.submissions.queue import RETURNED_TEXT, run_claim, run_return

Submit = Callable[..., Run]
Answer = Callable[..., Report]


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(execution, "open_backend", lambda name: None)
    yield
    stopping.forget()


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    return lambda answer: monkeypatch.setattr(grader, "grade", lambda exercise, files, **options: answer(**options))


def until_cancelled(cancelled: Callable[[], bool]) -> Report:
    """As a box that would go on for ever."""
    deadline = time.monotonic() + 10
    while not cancelled():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return report("cancelled", 0.0)


def stops_in_between(cancelled: Callable[[], bool], **options: Any) -> Report:
    tasks.give_runs_back()
    return until_cancelled(cancelled)


@pytest.mark.django_db(transaction=True)
def test_what_runs_is_given_back_and_spends_no_try(
    submit: Submit, learner: User, graded: Any, settings: Any, woken: list[str]
) -> None:
    settings.WORKER_GRACE_S = 0
    graded(stops_in_between)
    run = submit(learner)
    woken.clear()
    assert execution.drain("smoke") == 1
    run.refresh_from_db()
    assert (run.status, run.verdict, run.tries, run.worker) == (Status.QUEUED, "", 0, "")
    assert run.message == RETURNED_TEXT
    assert woken == ["smoke"], "another worker is told at once"


@pytest.mark.django_db(transaction=True)
def test_the_next_worker_runs_it_as_if_nothing_had_been(
    submit: Submit, learner: User, graded: Any, settings: Any, woken: list[str]
) -> None:
    settings.WORKER_GRACE_S = 0
    graded(stops_in_between)
    run = submit(learner)
    for _ in range(5):  # more often than there are tries
        execution.drain("smoke")
        stopping.forget()
    graded(lambda **options: report())
    execution.drain("smoke")
    run.refresh_from_db()
    assert (run.verdict, run.tries) == (Verdict.PASSED, 1)
    assert "The worker was stopped; the run waits for another one." in [e.get("text") for e in unpack(run.log_z)]


@pytest.mark.django_db(transaction=True)
def test_what_ends_within_the_grace_keeps_its_verdict(
    submit: Submit, learner: User, graded: Any, settings: Any, woken: list[str]
) -> None:
    settings.WORKER_GRACE_S = 30

    def answer(cancelled: Callable[[], bool], **options: Any) -> Report:
        stopping.stop()
        assert not cancelled()
        return report()

    graded(answer)
    run, waiting = submit(learner), submit(learner)
    assert execution.drain("smoke") == 1
    run.refresh_from_db()
    waiting.refresh_from_db()
    assert run.verdict == Verdict.PASSED
    assert (waiting.status, waiting.tries) == (Status.QUEUED, 0), "no run starts any more"


@pytest.mark.django_db(transaction=True)
def test_a_learners_cancelling_stands(
    submit: Submit, learner: User, graded: Any, settings: Any, woken: list[str]
) -> None:
    settings.WORKER_GRACE_S = 0

    def answer(cancelled: Callable[[], bool], **options: Any) -> Report:
        Run.objects.update(cancel_requested=True)
        stopping.stop()
        return until_cancelled(cancelled)

    graded(answer)
    run = submit(learner)
    execution.drain("smoke")
    run.refresh_from_db()
    assert run.verdict == Verdict.CANCELLED


@pytest.mark.parametrize(("told", "tries"), [(True, 0), (False, 1)], ids=["a cold stop", "its own doing, perhaps"])
def test_a_process_that_the_pool_ends_gives_its_run_back(
    submit: Submit,
    learner: User,
    graded: Any,
    woken: list[str],
    monkeypatch: pytest.MonkeyPatch,
    told: bool,
    tries: int,
) -> None:
    monkeypatch.setattr(execution, "WORD_S", 10.0 if told else 0.3)

    def answer(**options: Any) -> Report:
        if told:  # as Celery does it: the word comes after the deed
            threading.Timer(0.1, stopping.stop).start()
        raise SystemExit(143)

    graded(answer)
    run = submit(learner)
    with pytest.raises(SystemExit):
        execution.drain("smoke")
    run.refresh_from_db()
    assert (run.status, run.tries) == (Status.QUEUED, tries)


def test_an_old_claim_cannot_give_a_run_back(submit: Submit, learner: User, woken: list[str]) -> None:
    submit(learner)
    run = run_claim(queue="smoke", worker="one")
    assert run is not None
    Run.objects.update(token=99)
    assert run_return(run=run) is False
    assert Run.objects.get().status == Status.RUNNING


def test_the_processes_of_a_pool_see_what_their_parent_was_told() -> None:
    """As Celery forks them: before the word comes."""
    heard, spoken = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(heard, 1)
        os._exit(0 if stopping.is_stopping() else 1)
    stopping.stop()
    os.write(spoken, b".")
    assert os.waitpid(child, 0)[1] == 0
    os.close(heard)
    os.close(spoken)


@pytest.mark.usefixtures("woken")
def test_a_worker_goes_on_until_nothing_waits(submit: Submit, learner: User, graded: Any) -> None:
    graded(lambda **options: report())
    for _ in range(3):
        submit(learner)
    assert execution.drain("smoke") == 3
    assert execution.drain("smoke") == 0


def test_a_long_day_is_cut_into_tasks(
    submit: Submit, learner: User, graded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(execution, "wake", messages.append)
    monkeypatch.setattr(execution, "DRAIN_S", -1.0)
    graded(lambda **options: report())
    for _ in range(2):
        submit(learner)
    assert (execution.drain("smoke"), messages) == (1, ["smoke"])
