"""What workers offer, and what a learner is told when none offers it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from lessons.loader import Exercise as Content
from tests.unit.web.lessons import ANSWER, LESSON, SLUG
from tests.unit.web.working import work_with
from webapp.accounts.models import User
from webapp.submissions import queue, services
from webapp.submissions.estimates import queue_place
from webapp.submissions.models import Run, Worker
from webapp.submissions.tiers import UNAVAILABLE, available_tiers, tier_infos
from webapp.submissions.workers import (
    NONE_UP,
    Offer,
    live_slots,
    live_workers,
    machine_offer,
    worker_advertise,
    worker_withdraw,
    workers_forget,
)

Submit = Callable[..., Run]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("woken")]
GPU = {"id": "0", "name": "H100", "memory_mb": 80_000}
SMALL = Offer(cores=2, memory_mb=1_000)
LARGE = Offer(cores=8, memory_mb=64_000, gpus=(GPU,))


def advertise(name: str = "w", **values: Any) -> None:
    row = {"queues": ["smoke"], "concurrency": 2, "problem": "", "started_at": timezone.now(), **values}
    worker_advertise(name=name, **row)


def test_a_worker_says_what_it_has_in_one_write(django_assert_num_queries: Any) -> None:
    machine_offer()
    for _ in range(2):
        with django_assert_num_queries(1):
            advertise()
    row = Worker.objects.get()
    assert (row.queues, row.concurrency, row.cores) == (["smoke"], 2, machine_offer().cores)
    assert row.memory_mb > 100
    assert timezone.now() - row.seen_at < timedelta(seconds=30)
    worker_withdraw(name="w")
    assert live_workers() == []


@pytest.mark.parametrize(("age_s", "is_live"), [(0, True), (50, True), (70, False), (-30, True), (-3600, False)])
def test_only_who_was_seen_in_the_last_minute_counts(age_s: float, is_live: bool) -> None:
    """A row from an hour ahead is one from before the clock was set back: its worker may be dead."""
    work_with("cpu", age_s=age_s)
    assert (live_slots("cpu") == 1) is is_live


def test_rows_of_yesterday_go(db: None) -> None:
    work_with("cpu", age_s=25 * 3600)
    work_with("cpu", age_s=23 * 3600)
    assert workers_forget() == 1
    queue.sweep()
    assert Worker.objects.count() == 1


def test_slots_are_of_workers_that_can_work(db: None) -> None:
    work_with("smoke", "cpu", concurrency=3)
    work_with("smoke", concurrency=4, problem="The lab is being installed.")
    assert (live_slots("smoke"), live_slots("cpu"), live_slots("gpu")) == (3, 3, 0)


@pytest.mark.parametrize(
    ("needs", "takes"),
    [
        ({"memory_mb": 1_000}, True),
        ({"memory_mb": 1_001}, False),
        ({"cores": 2}, True),
        ({"cores": 3}, False),
        ({"vram_mb": 1}, False),
        ({"tier": "gpu"}, False),
    ],
)
def test_a_claim_takes_only_what_fits(needs: dict[str, Any], takes: bool, submit: Submit, learner: User) -> None:
    large, small = submit(learner), submit(learner)
    Run.objects.filter(pk=large.pk).update(**needs)
    first = queue.run_claim(queue="smoke", worker="w", offer=SMALL)
    assert first is not None
    assert first.pk == (large.pk if takes else small.pk)
    assert SMALL.fits(Run.objects.get(pk=large.pk)) is takes
    rest = queue.run_claim(queue="smoke", worker="big", offer=LARGE)
    assert rest is not None


def test_a_machine_of_one_core_serves_too(submit: Submit, learner: User) -> None:
    """The load generator shares the one core with the server: grader.cores says so in the log."""
    Run.objects.filter(pk=submit(learner).pk).update(cores=2)
    assert queue.run_claim(queue="smoke", worker="w", offer=Offer(cores=1, memory_mb=1_000)) is not None


def test_a_run_knows_what_it_needs(submit: Submit, learner: User, content: Content) -> None:
    run = submit(learner, "cpu")
    limits = content.manifest.limits_for("cpu")
    assert (run.cores, run.memory_mb, run.vram_mb) == (1, limits.memory_mb, 0)


def test_who_waits_for_a_larger_machine_is_told_at_once(submit: Submit, learner: User) -> None:
    work_with("cpu", memory_mb=100)
    run = submit(learner, "cpu")
    place = queue_place(run)
    assert place is not None
    assert f"what this run needs (1 core, {run.memory_mb} MiB of memory)" in place.text
    assert place.estimate_s is None
    work_with("cpu", memory_mb=100_000)
    place = queue_place(run)
    assert place is not None
    assert place.text == "Next in line."


def test_why_the_workers_of_a_queue_cannot_work_is_told(submit: Submit, learner: User) -> None:
    work_with("cpu", problem="The lab is being installed: 3 of 9 packages")
    work_with("smoke")
    place = queue_place(submit(learner, "cpu"))
    assert place is not None
    assert place.text == "Next in line. The lab is being installed: 3 of 9 packages"


def tier(content: Content, name: str) -> Any:
    return next(info for info in tier_infos(content) if info.name == name)


def test_a_tier_is_offered_while_a_worker_offers_it(content: Content, settings: Any) -> None:
    settings.TIERS = ["smoke"]
    assert available_tiers() == ["smoke"]
    assert (tier(content, "gpu").available, tier(content, "gpu").unavailable_text) == (False, UNAVAILABLE)
    work_with("gpu", gpus=[GPU])
    assert available_tiers() == ["smoke", "gpu"]
    assert tier(content, "gpu").available
    Worker.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    assert available_tiers() == ["smoke"]


def test_a_tier_that_the_site_is_set_up_for_waits_for_its_worker(content: Content, settings: Any) -> None:
    settings.TIERS = ["smoke", "cpu"]
    work_with("smoke")
    assert tier(content, "cpu").problem == NONE_UP
    assert tier(content, "cpu").available
    assert tier(content, "smoke").problem == ""


def test_a_tier_that_nobody_offers_is_refused_at_its_field(learner: User, content: Content, settings: Any) -> None:
    settings.TIERS = ["smoke", "cpu"]
    with pytest.raises(ValidationError) as caught:
        services.submission_create(learner=learner, exercise=content, files=ANSWER, tier="gpu")
    assert "No worker of this site has the hardware" in caught.value.message_dict["tier"][0]
    work_with("gpu", gpus=[GPU])
    assert services.submission_create(learner=learner, exercise=content, files=ANSWER, tier="gpu").queue == "gpu"


def test_the_page_says_what_no_worker_is_up_for(learner: User, as_user: Callable[[User], Any], settings: Any) -> None:
    settings.TIERS = ["smoke", "cpu"]
    page = as_user(learner).get(f"/lessons/{LESSON}/{SLUG}/").content.decode()
    assert page.count(NONE_UP) == 2
    work_with("smoke", "cpu")
    assert NONE_UP not in as_user(learner).get(f"/lessons/{LESSON}/{SLUG}/").content.decode()


def test_a_query_that_filters_in_the_database_agrees_with_the_row_in_hand(submit: Submit, learner: User) -> None:
    run = submit(learner)
    for offer in (SMALL, LARGE, Offer(cores=1, memory_mb=10)):
        for values in ({"cores": 4}, {"tier": "gpu", "vram_mb": 500}, {"tier": "gpu", "vram_mb": 0, "cores": 1}):
            Run.objects.filter(pk=run.pk).update(**values)
            found = Run.objects.filter(offer.fitting(), pk=run.pk).exists()
            assert found is offer.fits(Run.objects.get(pk=run.pk)), (offer, values, connection.vendor)
