from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.unit.web.working import work_with
from webapp.accounts.models import User
from webapp.submissions import queue
from webapp.submissions.estimates import announced_seconds, duration_text, measured_seconds, queue_place
from webapp.submissions.models import Run, Verdict
from webapp.submissions.workers import NONE_UP

Submit = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("woken")


def finished(submit: Submit, user: User, seconds: float, verdict: str = Verdict.PASSED) -> None:
    submit(user, "cpu")
    run = queue.run_claim(queue="cpu", worker="w")
    assert run is not None
    queue.run_finish(run=run, verdict=verdict)
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(started_at=now - timedelta(seconds=seconds), finished_at=now)


def test_it_expects_what_the_manifest_says_before_anything_ran(submit: Submit, learner: User) -> None:
    assert measured_seconds("cpu") is None
    assert announced_seconds(submit(learner, "cpu")) == 30


def test_it_expects_what_runs_of_the_queue_took(submit: Submit, learner: User) -> None:
    for seconds in (10, 12, 20):
        finished(submit, learner, seconds)
    finished(submit, learner, 1000, Verdict.INFRA_ERROR)
    assert measured_seconds("cpu") == pytest.approx(14, abs=0.1)
    assert measured_seconds("smoke") is None


def test_it_adds_up_who_is_ahead(submit: Submit, learner: User, peer: User, outsider: User) -> None:
    work_with("cpu")
    submit(outsider, "cpu")
    queue.run_claim(queue="cpu", worker="w")
    submit(peer, "cpu")
    place = queue_place(submit(learner, "cpu"))
    assert place is not None
    assert (place.position, place.estimate_s) == (2, 60)
    assert place.text == "Number 2 in line, about 60 s to wait."


def test_more_slots_make_it_shorter_and_an_idle_one_makes_it_nothing(
    submit: Submit, learner: User, peer: User, outsider: User
) -> None:
    work_with("cpu", concurrency=2)
    submit(outsider, "cpu")
    queue.run_claim(queue="cpu", worker="w")
    first, second = submit(peer, "cpu"), submit(learner, "cpu")
    places = [queue_place(run) for run in (first, second)]
    assert [(place.position, place.estimate_s) for place in places if place] == [(1, 0), (2, 15)]
    assert places[0] is not None
    assert places[0].text == "Next in line."


def test_it_says_that_no_worker_is_up(submit: Submit, learner: User) -> None:
    run = submit(learner)
    place = queue_place(run)
    assert place is not None
    assert (place.estimate_s, place.text) == (None, f"Next in line. {NONE_UP}")
    work_with("smoke")
    place = queue_place(run)
    assert place is not None
    assert place.text == "Next in line."


@pytest.mark.parametrize(("cores", "owned", "told"), [(2, 2, True), (2, 1, False), (8, 2, False)])
def test_a_try_is_told_that_a_timed_run_owns_the_cores(
    cores: int, owned: int, told: bool, submit: Submit, learner: User, peer: User
) -> None:
    work_with("smoke", cores=cores)
    submit(peer, "cpu")
    queue.run_claim(queue="cpu", worker="w")
    Run.objects.update(cores=owned)
    submit(peer)
    queue.run_claim(queue="smoke", worker="w")
    place = queue_place(submit(learner))
    assert place is not None
    assert ("owns the cores" in place.text) is told


def test_it_reads_three_times_whatever_waits(
    submit: Submit, learner: User, peer: User, django_assert_num_queries: Any
) -> None:
    work_with("cpu")
    finished(submit, learner, 5)
    runs = [submit(user, "cpu") for user in (learner, peer) for _ in range(20)]
    queue.run_claim(queue="cpu", worker="w")
    with django_assert_num_queries(3):
        queue_place(runs[-1])


def test_a_running_run_has_no_place(submit: Submit, learner: User) -> None:
    submit(learner)
    run = queue.run_claim(queue="smoke", worker="w")
    assert run is not None
    assert queue_place(run) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.42, "0.4 s"), (45, "45 s"), (150, "2 min"), (4800, "1 h 20 min")]
)
def test_it_writes_durations(seconds: float | None, text: str) -> None:
    assert duration_text(seconds) == text
