"""/metrics: what it says, to whom, and that it stays cheap."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from webapp.accounts.models import User
from webapp.submissions import queue
from webapp.submissions.models import Run, Status, Verdict, Worker
from webapp.submissions.operations import exposition, machine
from webapp.submissions.operations.totals import SETTLED, WAITS, DayTotals, Histogram

NOON = timezone.now().replace(hour=12)


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """No figures kept of another test, no boxd."""
    monkeypatch.setattr(exposition.METRICS, "_made", float("-inf"))
    monkeypatch.setattr(exposition, "TOTALS", DayTotals())
    monkeypatch.delenv("RANKZERO_BOXD", raising=False)


def scrape(**headers: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """(sample, label values by the labels' names) → value, read by the library's own parser."""
    exposition.METRICS._made = float("-inf")
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (one.name, tuple(value for _, value in sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


def worker(name: str, *, seen: timedelta = timedelta(0), **facts: Any) -> Worker:
    now = timezone.now()
    facts = {"queues": ["smoke", "cpu"], "concurrency": 2, "cores": 2, "memory_mb": 9_000, **facts}
    return Worker.objects.create(name=name, host="here", started_at=now, seen_at=now - seen, **facts)


def finish(run: Run, verdict: str, *, at: Any = None, waited: float = 3, took: float = 20, tries: int = 1) -> None:
    end = at or timezone.now()
    started = end - timedelta(seconds=took)
    Run.objects.filter(pk=run.pk).update(
        status=Status.CANCELLED if verdict == Verdict.CANCELLED else Status.DONE, verdict=verdict, tries=tries,
        queued_at=started - timedelta(seconds=waited), started_at=started, finished_at=end,
    )  # fmt: skip


@pytest.mark.usefixtures("woken")
def test_it_tells_what_waits_runs_and_works(submit: Callable[..., Run], learner: User, peer: User) -> None:
    running, lost, oldest, _ = (submit(user) for user in (learner, peer, learner, peer))
    hold = {"status": Status.RUNNING, "worker": "w", "lease_expires_at": timezone.now() + queue.LEASE}
    Run.objects.filter(pk__in=(running.pk, lost.pk)).update(**hold)
    Run.objects.filter(pk=lost.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    Run.objects.filter(pk=oldest.pk).update(queued_at=timezone.now() - timedelta(minutes=5))
    worker("alive")
    worker("silent", seen=timedelta(minutes=2))
    worker("idle", problem="no sandbox")
    found = scrape()
    assert found["rankzero_queue_depth", ("smoke",)] == 2
    assert found["rankzero_queue_depth", ("gpu",)] == 0
    assert 300 <= found["rankzero_queue_oldest_wait_seconds", ("smoke",)] < 310
    assert found["rankzero_runs_running", ("smoke",)] == 2
    assert found["rankzero_leases_expired", ("smoke",)] == 1
    assert found["rankzero_queue_slots", ("smoke",)] == 2
    assert found["rankzero_workers_live", ()] == 2
    assert found["rankzero_worker_up", ("here", "silent")] == 0
    assert found["rankzero_worker_problem", ("here", "idle")] == 1
    assert found["rankzero_database_up", ()] == found["rankzero_redis_up", ()] == 1


@pytest.mark.usefixtures("woken")
def test_it_counts_each_finished_run_once_with_its_times(submit: Callable[..., Run], learner: User) -> None:
    finish(submit(learner), Verdict.PASSED, waited=3, took=20)
    finish(submit(learner), Verdict.PASSED, waited=0.2, took=2)
    finish(submit(learner), Verdict.INFRA_ERROR, tries=3)
    waiting = submit(learner)
    queue.run_cancel(run=waiting)
    for _ in range(2):
        found = scrape()
        assert found["rankzero_runs_finished_total", ("smoke", "smoke", "passed")] == 2
        assert found["rankzero_runs_finished_total", ("smoke", "smoke", "infra_error")] == 1
        assert found["rankzero_runs_finished_total", ("smoke", "smoke", "cancelled")] == 1
        assert found["rankzero_runs_retried_total", ("smoke",)] == 2
        assert found["rankzero_run_wait_seconds_count", ("smoke",)] == 3, "what never started waited for nothing"
        assert found["rankzero_run_wait_seconds_bucket", ("0.25", "smoke")] == 1
        assert found["rankzero_run_seconds_sum", ("smoke", "smoke")] == pytest.approx(42, abs=0.1)


@pytest.mark.usefixtures("woken")
def test_a_row_that_is_written_late_is_still_counted(submit: Callable[..., Run], learner: User) -> None:
    """Its time is from before the last look: a writer waited for the database."""
    totals = DayTotals()
    finish(submit(learner), Verdict.PASSED, at=NOON - 3 * SETTLED)
    assert totals.tally(NOON).verdicts.total() == 1
    finish(submit(learner), Verdict.FAILED, at=NOON - SETTLED / 2)
    finish(submit(learner), Verdict.FAILED, at=NOON - SETTLED / 2)
    for later in (timedelta(seconds=5), SETTLED, 3 * SETTLED):
        found = totals.tally(NOON + later)
        assert (found.verdicts.total(), found.waits["smoke"].counts) == (3, counts_of(3, 3))


def counts_of(times: int, seconds: float) -> list[int]:
    histogram = Histogram(WAITS)
    for _ in range(times):
        histogram.add(seconds)
    return histogram.counts


@pytest.mark.usefixtures("woken")
def test_it_begins_anew_at_midnight_and_when_a_clock_was_set_back(submit: Callable[..., Run], learner: User) -> None:
    totals = DayTotals()
    finish(submit(learner), Verdict.PASSED, at=NOON)
    assert totals.tally(NOON + 2 * SETTLED).verdicts.total() == 1
    assert totals.tally(NOON + timedelta(days=1)).verdicts.total() == 0
    assert totals.tally(NOON + 2 * SETTLED).verdicts.total() == 1
    assert totals.tally(NOON + timedelta(hours=3)).verdicts.total() == 1
    finish(submit(learner), Verdict.PASSED, at=NOON + timedelta(minutes=1))
    assert totals.tally(NOON + timedelta(minutes=2)).verdicts.total() == 2


@pytest.mark.usefixtures("woken")
def test_what_a_look_costs_does_not_grow_with_the_runs(submit: Callable[..., Run], learner: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            scrape()
        return len(seen)

    few = queries()
    for _ in range(30):
        finish(submit(learner), Verdict.PASSED)
        submit(learner)
    worker("one")
    assert queries() == few <= 4


def test_what_was_settled_is_not_read_again(submit: Callable[..., Run], learner: User, woken: list[str]) -> None:
    totals = DayTotals()
    run = submit(learner)
    finish(run, Verdict.PASSED, at=NOON)
    totals.tally(NOON + 2 * SETTLED)
    Run.objects.all().delete()
    assert totals.tally(NOON + 3 * SETTLED).verdicts.total() == 1


def test_the_day_s_runs_are_found_by_an_index(db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("a plan of PostgreSQL's depends on its statistics")
    rows = Run.objects.filter(verdict__in=Verdict.values, finished_at__gt=NOON).order_by()
    assert "run_by_verdict (verdict=? AND finished_at>?)" in rows.explain()


def test_within_seconds_it_is_asked_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    kept = exposition.Kept(lambda: made.append(1) or [], fresh_s=0.2)  # type: ignore[func-returns-value]
    kept.collect()
    kept.collect()
    assert len(made) == 1
    time.sleep(0.25)
    kept.collect()
    assert len(made) == 2


def test_of_a_database_that_is_away_it_says_so(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(exposition, "figures", away)
    found = scrape()
    assert found["rankzero_database_up", ()] == 0
    assert ("rankzero_queue_depth", ("smoke",)) not in found
    assert found["rankzero_state_free_bytes", ()] > 0


def test_strangers_proxies_and_wrong_tokens_see_no_such_page(db: None, settings: Any) -> None:
    assert Client().get("/metrics").status_code == 200
    assert Client().get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 404
    assert Client().get("/metrics", REMOTE_ADDR="").status_code == 404
    assert Client().get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 404
    settings.PROXIES = 1
    assert Client().get("/metrics").status_code == 404


def test_a_token_opens_it_from_anywhere_and_nothing_else_does(db: None, settings: Any) -> None:
    settings.METRICS_TOKEN, settings.PROXIES = "a-long-token", 1
    right = {"Authorization": "Bearer a-long-token"}
    assert Client().get("/metrics", headers=right, REMOTE_ADDR="192.0.2.7").status_code == 200
    for given in ({}, {"Authorization": "Bearer a-long-toke"}, {"Authorization": "Bearer é"}):
        assert Client().get("/metrics", headers=given).status_code == 404


def test_boxd_s_boxes_and_leases_are_told(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = {"owner": "a", "wanted_cores": 2, "wanted_gpus": 0, "gpus": [], "age_s": 4.0}
    refused = [{"stack": "transformers", "reason": "threads"}]
    status = {
        "backends": ["bubblewrap"], "boxes": [{"id": "1", "backend": "bubblewrap", "age_s": 1.0}], "pods": [],
        "ended": {"exited": 5, "box_error": 1}, "gpus": [0],
        "warm": {"bubblewrap": {"templates": [{"stack": "torch", "boxes": 3, "age_s": 9.0}], "refused": refused}},
        "cores": {"all": [0, 1, 2, 3], "shared": [2, 3]},
        "leases": [{**lease, "cores": [0, 1], "waiting": False}, {**lease, "cores": [], "waiting": True, "age_s": 7.0}],
    }  # fmt: skip
    monkeypatch.setenv("RANKZERO_BOXD", "/asked/below")
    monkeypatch.setattr(machine, "boxd_status", lambda path, answer_s: status)
    found = scrape()
    assert found["rankzero_boxes", ("bubblewrap",)] == found["rankzero_boxd_up", ()] == 1
    assert found["rankzero_warm_sources", ("bubblewrap", "torch")] == 1
    assert found["rankzero_warm_refused", ("bubblewrap", "transformers")] == 1
    assert found["rankzero_boxes_ended_total", ("box_error",)] == 1
    assert (found["rankzero_cores", ("leased",)], found["rankzero_cores", ("free",)]) == (2, 2)
    assert (found["rankzero_leases", ("held",)], found["rankzero_leases", ("waiting",)]) == (1, 1)
    assert found["rankzero_lease_longest_wait_seconds", ()] == 7


def test_a_boxd_that_is_away_is_told_and_one_that_is_not_set_up_is_left_out(
    db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    assert ("rankzero_boxd_up", ()) not in scrape()
    monkeypatch.setenv("RANKZERO_BOXD", str(tmp_path / "nobody"))
    found = scrape()
    assert found["rankzero_boxd_up", ()] == 0
    assert ("rankzero_boxes", ("bubblewrap",)) not in found


def test_what_nvidia_smi_does_not_tell_is_left_out(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ("GPU-a, 37, 1024, 81559", "MIG-b, [N/A], 512, [Not Supported]")
    monkeypatch.setattr(exposition, "gpus_here", lambda: tuple(machine.gpu_of(line) for line in lines))
    found = scrape()
    assert found["rankzero_gpu_busy_ratio", ("GPU-a",)] == pytest.approx(0.37)
    assert found["rankzero_gpu_memory_used_bytes", ("MIG-b",)] == 512 * 1024**2
    assert ("rankzero_gpu_busy_ratio", ("MIG-b",)) not in found
    monkeypatch.setattr(exposition, "gpus_here", tuple)
    assert not [name for name, _ in scrape() if name.startswith("rankzero_gpu_")]
