"""What a claim costs, whatever the length of the queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from tests.unit.web.conftest import make_user
from tests.unit.web.working import work_with
from webapp.accounts.models import User
from webapp.submissions import queue
from webapp.submissions.estimates import queue_place
from webapp.submissions.fairness import next_turn, waiting_runs
from webapp.submissions.models import Run, Status, Verdict

pytestmark = pytest.mark.usefixtures("woken")
PEOPLE = 100
FULL, SHORT = 5_000, 50
ROUNDS = 15


@pytest.fixture
def people(db: None) -> list[User]:
    return [make_user(f"p{number}") for number in range(PEOPLE)]


def fill(people: list[User], name: str, count: int) -> None:
    """Waiting runs of all people in turns, as `run_create` would number them."""
    now = timezone.now()
    Run.objects.bulk_create(
        Run(
            kind="cell", cell_lesson="90_fixture", learner=people[number % len(people)], tier=name, queue=name,
            turn=number // len(people), seed=number, queued_at=now,
        )
        for number in range(count)
    )  # fmt: skip


def finish(run: Run | None) -> None:
    assert run is not None
    assert queue.run_finish(run=run, verdict=Verdict.PASSED)


def seconds(act: Callable[[], object]) -> float:
    """Of this thread's CPU where the database works in it, which other programs' load does not change."""
    clock = time.thread_time if connection.vendor == "sqlite" else time.perf_counter
    began = clock()
    act()
    return clock() - began


def plan(rows: Any) -> str:
    return str(rows.explain(format="TEXT") if connection.vendor == "postgresql" else rows.explain())


def test_a_claim_is_as_quick_in_a_long_queue_as_in_a_short_one(people: list[User]) -> None:
    """Interleaved, and in one ratio: the same work on the same rows but for the 4,950 others."""
    fill(people, "cpu", FULL)
    fill(people, "smoke", SHORT)
    claims: dict[str, list[float]] = {"cpu": [], "smoke": []}
    for _ in range(ROUNDS + 2):
        for name, taken in claims.items():
            taken.append(seconds(lambda name=name: finish(queue.run_claim(queue=name, worker="w"))))  # type: ignore[misc]
    long, short = (median(taken[2:]) for taken in claims.values())
    assert long < 2 * short, (long, short)


def test_a_run_joins_a_long_queue_as_quickly(people: list[User]) -> None:
    fill(people, "cpu", FULL)
    fill(people, "smoke", SHORT)
    turns: dict[str, list[float]] = {"cpu": [], "smoke": []}
    for number in range(ROUNDS):
        for name, taken in turns.items():
            learner = people[number].pk
            taken.append(seconds(lambda: next_turn(learner=learner, queue=name, rank=0)))  # noqa: B023
    assert median(turns["cpu"]) < 2 * median(turns["smoke"])


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the plan of SQLite")
def test_the_next_run_is_found_through_the_index(people: list[User]) -> None:
    fill(people, "cpu", 500)
    fitting = Q(cores__lte=2, memory_mb__lte=1000, vram_mb__lte=0)
    for rows in (waiting_runs("cpu"), waiting_runs("cpu").filter(fitting).exclude(learner__in=[1, 2])):
        text = plan(rows[:1])
        assert "USING INDEX run_waiting (queue=? AND status=?)" in text
        assert "TEMP B-TREE FOR ORDER BY" not in text
    unordered = plan(waiting_runs("cpu").order_by("message")[:1])
    assert "TEMP B-TREE FOR ORDER BY" in unordered  # the control: this is how a sort is seen


def test_the_place_of_the_last_of_5000_takes_no_time_that_is_felt(
    people: list[User], django_assert_max_num_queries: Any
) -> None:
    work_with("cpu", concurrency=2)
    fill(people, "cpu", FULL)
    finish(queue.run_claim(queue="cpu", worker="w"))
    last = Run.objects.filter(status=Status.QUEUED).order_by("turn", "pk").last()
    assert last is not None
    with django_assert_max_num_queries(3):
        place = queue_place(last)
    assert place is not None
    assert place.position == FULL - 1
    assert median(seconds(lambda: queue_place(last)) for _ in range(5)) < 0.25
