"""Claims by compare-and-set, fencing tokens, fairness."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from webapp.accounts.models import User
from webapp.submissions import queue
from webapp.submissions.fairness import queue_order
from webapp.submissions.models import Run, Status, Verdict

Submit = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("woken", "no_limit")


@pytest.fixture
def no_limit(settings: Any) -> None:
    """Of what one learner may have running: see test_fairness."""
    settings.RUNS_PER_USER = 1000


def claim(queue_name: str = "smoke", worker: str = "w1") -> Run:
    run = queue.run_claim(queue=queue_name, worker=worker)
    assert run is not None
    return run


def test_it_claims_a_waiting_run(submit: Submit, learner: User) -> None:
    waiting = submit(learner)
    run = claim()
    assert run.pk == waiting.pk
    assert (run.status, run.worker, run.token, run.tries) == (Status.RUNNING, "w1", 1, 1)
    assert run.lease_expires_at is not None
    assert timedelta(seconds=50) < run.lease_expires_at - timezone.now() <= queue.LEASE


def test_it_claims_nothing_twice_and_nothing_of_another_queue(submit: Submit, learner: User) -> None:
    submit(learner, "cpu")
    assert queue.run_claim(queue="smoke", worker="w1") is None
    claim("cpu")
    assert queue.run_claim(queue="cpu", worker="w2") is None


@pytest.mark.django_db(transaction=True)
def test_it_gives_each_run_to_one_of_many_racing_workers(submit: Submit, learner: User, peer: User) -> None:
    runs = {submit(user).pk for user in (learner, peer) for _ in range(8)}
    barrier = threading.Barrier(6)

    def work(number: int) -> list[object]:
        claimed = []
        barrier.wait()
        try:
            while (run := queue.run_claim(queue="smoke", worker=f"w{number}")) is not None:
                claimed.append(run.pk)
        finally:
            connection.close()
        return claimed

    with ThreadPoolExecutor(6) as pool:
        claimed = [pk for part in pool.map(work, range(6)) for pk in part]
    assert sorted(map(str, claimed)) == sorted(map(str, runs))
    assert set(Run.objects.values_list("token", flat=True)) == {1}


def test_it_writes_a_result_once(submit: Submit, learner: User) -> None:
    submit(learner)
    run = claim()
    assert queue.run_finish(run=run, verdict=Verdict.PASSED, score=1.0)
    assert not queue.run_finish(run=run, verdict=Verdict.FAILED, score=0.0)
    run.refresh_from_db()
    assert (run.status, run.verdict, run.score, run.lease_expires_at) == (Status.DONE, Verdict.PASSED, 1.0, None)


def test_it_refuses_results_under_an_old_token(submit: Submit, learner: User) -> None:
    submit(learner)
    old = claim(worker="slow")
    Run.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    queue.sweep()
    new = claim(worker="fresh")
    assert not queue.run_finish(run=old, verdict=Verdict.PASSED, score=1.0)
    assert not queue.run_give_back(run=old)
    assert queue.run_heartbeat(worker="slow", runs=[old.pk]) == 0
    assert queue.run_finish(run=new, verdict=Verdict.FAILED, score=0.2)
    new.refresh_from_db()
    assert (new.verdict, new.token) == (Verdict.FAILED, 2)


def test_it_renews_all_leases_of_a_worker_in_one_write(
    submit: Submit, learner: User, django_assert_num_queries: Callable[[int], object]
) -> None:
    for _ in range(3):
        submit(learner)
    mine = [claim(), claim()]
    other = claim(worker="w2")
    soon = timezone.now() + timedelta(seconds=5)
    Run.objects.update(lease_expires_at=soon)
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        assert queue.run_heartbeat(worker="w1", runs=[run.pk for run in [*mine, other]]) == 2
    other.refresh_from_db()
    assert other.lease_expires_at == soon
    assert all(run.lease_expires_at > soon for run in Run.objects.filter(worker="w1"))


def test_it_lets_learners_take_turns(submit: Submit, learner: User, peer: User, outsider: User) -> None:
    for _ in range(3):
        submit(learner)
    submit(peer)
    submit(outsider)
    expected = [learner.pk, peer.pk, outsider.pk, learner.pk, learner.pk]
    order = [Run.objects.get(pk=pk).learner_id for pk in queue_order("smoke")]
    assert order == expected
    claimed = [claim().learner_id for _ in range(5)]
    assert claimed == expected


def test_it_prefers_who_was_served_longest_ago(submit: Submit, learner: User, peer: User) -> None:
    submit(learner)
    queue.run_finish(run=claim(), verdict=Verdict.PASSED, score=1.0)
    submit(learner)
    submit(peer)
    assert claim().learner_id == peer.pk


def test_it_cancels_a_waiting_run_at_once(submit: Submit, learner: User) -> None:
    run = queue.run_cancel(run=submit(learner))
    assert (run.status, run.verdict) == (Status.CANCELLED, Verdict.CANCELLED)
    assert queue.run_claim(queue="smoke", worker="w1") is None


def test_it_asks_a_running_run_to_stop(submit: Submit, learner: User) -> None:
    submit(learner)
    run = queue.run_cancel(run=claim())
    assert (run.status, run.cancel_requested) == (Status.RUNNING, True)


def test_it_does_not_cancel_what_is_finished(submit: Submit, learner: User) -> None:
    submit(learner)
    run = claim()
    queue.run_finish(run=run, verdict=Verdict.PASSED, score=1.0)
    assert queue.run_cancel(run=run).verdict == Verdict.PASSED


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "done"},
        {"verdict": "passed"},
        {"status": "running"},
        {"kind": "cell"},
        {"tier": "huge"},
        {"score": 1.5},
        {"cell_lesson": "01_x"},
    ],
)
def test_it_refuses_states_that_cannot_be(wrong: dict[str, object], submit: Submit, learner: User) -> None:
    run = submit(learner)
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(**wrong)
