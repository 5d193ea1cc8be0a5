"""GPU minutes of a day: what counts, what is refused, and when the day begins anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from lessons.loader import Exercise as Content
from tests.unit.web.test_cohorts import cohort_of
from tests.unit.web.test_run_views import EXERCISE
from webapp.accounts.models import User
from webapp.cohorts import services as cohorts
from webapp.submissions import queue, quotas, services
from webapp.submissions.models import Regrade, Run, Submission, Verdict

Submit = Callable[..., Run]
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONGEST_S = 150  # of the fixture's GPU tier: three boxes of 30 s and a minute for the judge
pytestmark = pytest.mark.usefixtures("woken")


@pytest.fixture(autouse=True)
def gpu_site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site with GPUs and ten minutes a day, at noon."""
    settings.TIERS = ["smoke", "cpu", "gpu"]
    settings.GPU_MINUTES_PER_DAY = 10
    monkeypatch.setattr(timezone, "now", lambda: NOON)


@pytest.fixture
def ran(submit: Submit) -> Callable[..., Run]:
    """A finished GPU run of so many seconds."""

    def run_for(user: User, seconds: float, *, started: datetime = NOON, verdict: str = "failed", **more: Any) -> Run:
        run = submit(user, "gpu")
        ended = started + timedelta(seconds=seconds)
        status = "cancelled" if verdict == Verdict.CANCELLED else "done"
        values = {"status": status, "verdict": verdict, "started_at": started, "finished_at": ended, **more}
        Run.objects.filter(pk=run.pk).update(**values)
        return run

    return run_for


def begin(run: Run) -> Run:
    """As a worker with a GPU claims it."""
    claim = {"status": "running", "worker": "w", "token": 1, "tries": 1, "started_at": NOON, "claimed_at": NOON}
    Run.objects.filter(pk=run.pk).update(**claim, lease_expires_at=NOON + queue.LEASE)
    run.refresh_from_db()
    return run


def left(user: User) -> float | None:
    quota = quotas.gpu_quota(user)
    return quota.left_s if quota else None


def test_measured_time_counts_and_open_runs_reserve_the_longest(
    ran: Callable[..., Run], submit: Submit, learner: User, peer: User
) -> None:
    assert left(learner) == 600
    ran(learner, 61.5)
    assert left(learner) == 538.5
    run = submit(learner, "gpu")
    assert left(learner) == 538.5 - LONGEST_S
    begin(run)
    assert left(learner) == 538.5 - LONGEST_S
    services.run_cancel(run=run)
    assert (left(learner), left(peer)) == (538.5 - LONGEST_S, 600)  # it runs until its worker stops it


def test_what_is_ours_or_never_began_costs_nothing(ran: Callable[..., Run], submit: Submit, learner: User) -> None:
    order = Regrade.objects.create(reason="a judge was mended")
    ran(learner, 100, verdict="infra_error")
    ran(learner, 100, regrade=order)
    ran(learner, 100, confirms=ran(learner, 0))
    services.run_cancel(run=submit(learner, "gpu"))
    assert left(learner) == 600
    ran(learner, 30, verdict="cancelled")  # control: this one ran
    assert left(learner) == 570


def test_a_run_that_was_given_back_and_cancelled_while_it_waited_costs_nothing(submit: Submit, learner: User) -> None:
    run = begin(submit(learner, "gpu"))
    assert queue.run_give_back(run=run)
    services.run_cancel(run=run)
    assert (left(learner), run.started_at) == (600, None)


def test_yesterday_does_not_count(ran: Callable[..., Run], learner: User, settings: Any) -> None:
    ran(learner, 300, started=NOON - timedelta(hours=13))
    assert left(learner) == 600
    settings.TIME_ZONE = "America/New_York"  # there it is 7 in the morning, and 13 hours ago was yesterday as well
    assert left(learner) == 600
    settings.TIME_ZONE = "Asia/Tokyo"  # 21 o'clock: the day began 21 hours ago
    assert left(learner) == 300


def test_the_day_is_that_of_the_sites_clock(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    start, end = quotas.day_of(datetime(2026, 10, 25, 12, 0, tzinfo=UTC))
    assert (start.isoformat(), end.isoformat()) == ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00")


def test_a_run_that_may_not_fit_is_refused_at_its_field(ran: Callable[..., Run], submit: Submit, learner: User) -> None:
    ran(learner, 600 - LONGEST_S)
    submit(learner, "gpu")  # what is left is just enough
    with pytest.raises(ValidationError) as caught:
        submit(learner, "gpu")
    left, rest = caught.value.message_dict["tier"][0].split("; ")
    assert left == "0 of 10 GPU minutes left today"
    assert rest == "a run may take 3. Wait for an open run to end, or come back on 24 Nov, 00:00 (UTC)."
    assert Submission.objects.count() == 2
    submit(learner, "cpu")


def test_a_day_that_is_shorter_than_a_run_says_so(submit: Submit, learner: User, settings: Any) -> None:
    settings.GPU_MINUTES_PER_DAY = 2
    with pytest.raises(ValidationError, match="may take 3 minutes here, and you have 2 a day"):
        submit(learner, "gpu")


def test_no_number_is_no_limit(ran: Callable[..., Run], submit: Submit, learner: User, settings: Any) -> None:
    settings.GPU_MINUTES_PER_DAY = 0
    ran(learner, 50_000)
    submit(learner, "gpu")
    assert left(learner) is None


def test_a_cohorts_number_stands_in_place_of_the_sites(learner: User, peer: User) -> None:
    for name, minutes in (("A", 5), ("B", 20)):
        cohorts.gpu_minutes_set(cohort=cohort_of(name, learner), minutes=minutes)
    assert (left(learner), left(peer)) == (1200, 600)
    cohorts.gpu_minutes_set(cohort=cohort_of("C", peer), minutes=0)
    assert left(peer) is None


def test_the_page_says_what_is_left(
    ran: Callable[..., Run], learner: User, as_user: Callable[[User], Client], settings: Any, content: Content
) -> None:
    ran(learner, 61)
    client = as_user(learner)
    for path in (EXERCISE, f"{EXERCISE}allowance/"):
        assert "8 of 10 GPU minutes left today" in client.get(path).content.decode()
    settings.GPU_MINUTES_PER_DAY = 0
    assert "GPU minutes" not in client.get(EXERCISE).content.decode()
