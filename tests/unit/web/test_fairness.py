"""Turns: learners are served one after another, whatever each has waiting."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.unit.web.conftest import make_user
from tests.unit.web.working import work_with
from webapp.accounts.models import User
from webapp.submissions import queue, services
from webapp.submissions.estimates import queue_place
from webapp.submissions.fairness import PATIENCE, queue_order
from webapp.submissions.models import Regrade, Run, Status, Verdict

pytestmark = pytest.mark.usefixtures("woken")
COUNT = 4


@pytest.fixture
def people(db: None) -> list[User]:
    return [make_user(f"p{number}") for number in range(COUNT)]


def put(learner: User, tier: str = "smoke", **values: Any) -> Run:
    return services.run_create(tier=tier, kind="cell", learner=learner, cell_lesson="90_fixture", **values)


def claim(tier: str = "smoke") -> Run | None:
    return queue.run_claim(queue=tier, worker="w")


def serve(tier: str = "smoke") -> int | None:
    """Claim and finish one run; whose it was."""
    run = claim(tier)
    if run is None:
        return None
    assert queue.run_finish(run=run, verdict=Verdict.PASSED)
    return run.learner_id


def drain(tier: str = "smoke") -> list[int]:
    served = []
    while (learner := serve(tier)) is not None:
        served.append(learner)
    return served


def test_a_burst_starves_nobody(people: list[User]) -> None:
    """Against an ideal round robin: after each round everybody with runs left has been served as often."""
    bursts = dict(zip((user.pk for user in people), (40, 10, 3, 1), strict=True))
    for user in people:
        for _ in range(bursts[user.pk]):
            put(user)
    ideal = [user.pk for round_ in range(40) for user in people if bursts[user.pk] > round_]
    assert drain() == ideal


def test_a_newcomer_joins_the_round_that_goes_on(people: list[User]) -> None:
    first, second, new, _ = people
    for _ in range(10):
        put(first)
        put(second)
    for _ in range(8):
        serve()
    for _ in range(3):
        put(new)
    assert drain()[:6].count(new.pk) >= 2


def test_who_was_away_has_neither_credit_nor_debt(people: list[User]) -> None:
    """A learner who did nothing for long may not use up at once what they never asked for, nor pay for old runs."""
    busy, away, *_ = people
    put(away)
    serve()
    for _ in range(30):
        put(busy)
        serve()
    for _ in range(4):
        put(away)
        put(busy)
    assert Counter(drain()[:4]) == {busy.pk: 2, away.pk: 2}


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.integers(0, COUNT - 1), st.just("serve"), st.just("cancel")), min_size=10, max_size=40))
def test_whoever_always_has_runs_waiting_is_served_as_often_as_others(people: list[User], steps: list[Any]) -> None:
    with transaction.atomic():
        check_shares(people, steps)
        transaction.set_rollback(True)


def check_shares(people: list[User], steps: list[Any]) -> None:
    """Start-time fair queuing: of two learners with runs waiting, none is more than two runs behind the other."""
    since: dict[int, Counter[int]] = {}  # learner → what everybody got while this one always had something waiting
    for step in steps:
        if step == "serve":
            served = serve()
            for shares in since.values():
                shares[served or 0] += 1
        elif step == "cancel":
            waiting = Run.objects.filter(status=Status.QUEUED).order_by("turn", "queued_at").first()
            if waiting is not None:
                queue.run_cancel(run=waiting)
        else:
            put(people[step])
        backlogged = set(Run.objects.filter(status=Status.QUEUED).values_list("learner", flat=True))
        since = {learner: since.get(learner, Counter()) for learner in backlogged}
        for learner, shares in since.items():
            assert all(shares[other] - shares[learner] <= 2 for other in backlogged), (step, since)


@hypothesis_settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(0, 3), st.booleans()), min_size=2, max_size=15))
def test_the_place_shown_is_the_place_in_which_runs_are_served(people: list[User], steps: list[Any]) -> None:
    with transaction.atomic():
        for user, rank, serves in steps:
            put(people[user], rank=int(rank == 3))
            if serves:
                serve()
        shown = {}
        for run in Run.objects.filter(status=Status.QUEUED):
            place = queue_place(run)
            assert place is not None
            shown[place.position] = run.pk
        order = [shown[position] for position in sorted(shown)]
        assert sorted(shown) == list(range(1, len(shown) + 1))
        assert order == queue_order("smoke")
        claimed = []
        while (run := claim()) is not None:
            queue.run_finish(run=run, verdict=Verdict.PASSED)
            claimed.append(run.pk)
        assert claimed == order
        transaction.set_rollback(True)


def test_a_run_that_is_given_back_keeps_its_turn(people: list[User]) -> None:
    first, second, *_ = people
    put(first)
    run = claim()
    for _ in range(3):
        put(second)
    assert run is not None
    assert queue.run_give_back(run=run)
    assert drain()[0] == first.pk


def test_a_cancelled_run_leaves_no_gap(people: list[User]) -> None:
    first, second, *_ = people
    mine = [put(first) for _ in range(4)]
    for _ in range(4):
        put(second)
    queue.run_cancel(run=mine[0])
    queue.run_cancel(run=mine[1])
    assert drain()[:4] == [first.pk, second.pk, first.pk, second.pk]


def test_a_gap_that_a_later_arrival_made_stays(people: list[User]) -> None:
    """Who cancels an old run does not move a new one before the round in which it came."""
    first, second, *_ = people
    old = put(first, rank=0)
    Run.objects.filter(pk=old.pk).update(cores=1000)  # fits nowhere, so it waits on
    for _ in range(5):
        put(second)
        serve()
    late = put(first)
    turn = late.turn
    assert turn > old.turn + 1
    queue.run_cancel(run=old)
    late.refresh_from_db()
    assert late.turn == turn


def test_cancelling_all_the_time_gains_nothing(people: list[User]) -> None:
    first, second, *_ = people
    for _ in range(3):
        put(second)
    for _ in range(10):
        queue.run_cancel(run=put(first))
    put(first)
    assert drain()[:2] == [second.pk, first.pk]


def test_a_learner_at_the_limit_is_passed_over_while_others_wait(people: list[User], settings: Any) -> None:
    settings.RUNS_PER_USER = 2
    first, second, *_ = people
    for _ in range(5):
        put(first)
    assert [run.learner_id for run in (claim(), claim()) if run] == [first.pk, first.pk]
    assert claim() is None  # no worker is known: the place that is left is the last one
    put(second)
    newcomer = claim()
    assert newcomer is not None
    assert newcomer.learner_id == second.pk


def test_an_idle_site_lends_all_slots_but_the_last(people: list[User], settings: Any) -> None:
    settings.RUNS_PER_USER = 2
    work_with("smoke", concurrency=3)
    work_with("smoke", concurrency=2)
    first, second, *_ = people
    for _ in range(8):
        put(first)
    runs = [claim() for _ in range(6)]
    assert [run is not None for run in runs] == [True] * 4 + [False] * 2
    put(second)
    newcomer = claim()
    assert newcomer is not None
    assert newcomer.learner_id == second.pk


def test_the_limit_is_of_each_queue(people: list[User], settings: Any) -> None:
    settings.RUNS_PER_USER = 1
    put(people[0])
    put(people[0], "cpu")
    assert claim() is not None
    assert claim("cpu") is not None


def test_a_late_run_of_rank_1_moves_up_one_for_each_learner(people: list[User]) -> None:
    first, second, *_ = people
    order = Regrade.objects.create(reason="the judge was mended")
    again = [put(first, regrade=order) for _ in range(3)]
    assert {run.rank for run in again} == {1}
    put(second)
    assert queue_order("smoke")[1:] == [run.pk for run in again]
    queue.sweep()
    assert Run.objects.filter(rank=1).count() == 3  # not late yet
    Run.objects.filter(rank=1).update(created_at=timezone.now() - PATIENCE - timedelta(seconds=1))
    for _ in range(2):
        queue.sweep()
        assert list(Run.objects.filter(regrade=order, rank=0)) == [again[0]]
    submitted = put(first)
    assert queue_order("smoke")[:3].index(submitted.pk) == 2  # held up by one run, not by three


def test_rank_1_has_rounds_of_its_own(people: list[User]) -> None:
    """Many second runs of a learner do not push back what they submit next."""
    first, second, *_ = people
    for _ in range(5):
        put(first, rank=1)
    mine, other = put(first), put(second)
    assert queue_order("smoke")[:2] == [mine.pk, other.pk]


def test_deleting_the_busiest_learner_leaves_the_others_in_order(people: list[User]) -> None:
    busy, second, new, _ = people
    for _ in range(20):
        put(busy)
        serve()
    for _ in range(3):
        put(second)
    busy.delete()
    for _ in range(6):
        put(new)
    assert Counter(drain()[:6])[second.pk] >= 2
