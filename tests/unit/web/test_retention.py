"""What is old enough goes, in small steps; what says how somebody did stays."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axes.models import AccessLog
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from webapp.accounts.models import User
from webapp.submissions import tasks
from webapp.submissions.keptlog import pack
from webapp.submissions.livelog import Entry
from webapp.submissions.models import Run, Status, Submission, Verdict
from webapp.submissions.operations import retention
from webapp.submissions.operations.retention import retention_apply

LOG = pack([Entry(type="line", n=1, stream="out", text="hello from a learner")])
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def keep(settings: Any, tmp_path: Path) -> None:
    settings.KEEP_LOGS_DAYS = settings.KEEP_CELLS_DAYS = settings.KEEP_SIGNINS_DAYS = settings.KEEP_MAIL_DAYS = 10
    settings.EMAIL_FILE_PATH = tmp_path / "mail"


@pytest.fixture
def finished(submit: Callable[..., Run], woken: list[str]) -> Callable[..., Run]:
    def create(learner: User, *, days: float, **facts: Any) -> Run:
        run = submit(learner)
        Run.objects.filter(pk=run.pk).update(
            **{"status": Status.DONE, "verdict": Verdict.PASSED, "score": 0.9, "report": {"a": 1}, "log_z": LOG,
               "finished_at": timezone.now() - days * DAY, **facts}
        )  # fmt: skip
        run.refresh_from_db()
        return run

    return create


def cell(learner: User, *, days: float) -> Run:
    return Run.objects.create(
        kind=Run.Kind.CELL, learner=learner, cell_lesson="90_web", tier="smoke", queue="smoke", seed=1,
        queued_at=timezone.now(), status=Status.DONE, verdict=Verdict.PASSED, log_z=LOG,
        finished_at=timezone.now() - days * DAY,
    )  # fmt: skip


def apply(**options: Any) -> dict[str, int]:
    return retention_apply(now=timezone.now(), **options)


def test_an_old_log_goes_and_the_page_says_so_while_verdict_and_report_stay(
    finished: Callable[..., Run], learner: User, as_user: Callable[[User], Client]
) -> None:
    old, young = finished(learner, days=11), finished(learner, days=9)
    assert apply()["logs"] == 1
    kept = Run.objects.get(pk=old.pk)
    assert (kept.verdict, kept.score, kept.report) == (Verdict.PASSED, 0.9, {"a": 1})
    assert Submission.objects.filter(pk=old.submission_id).exists()
    download = as_user(learner).get(f"/runs/{old.pk}/log/").content.decode()
    assert download == retention.GONE_TEXT + "\n"
    assert "hello" in as_user(learner).get(f"/runs/{young.pk}/log/").content.decode()
    assert apply()["logs"] == 0, "once is enough"


def test_what_has_not_ended_keeps_its_log(finished: Callable[..., Run], learner: User) -> None:
    hold = {"worker": "w", "lease_expires_at": timezone.now(), "verdict": "", "finished_at": None}
    running = finished(learner, days=99, status=Status.RUNNING, **hold)
    assert apply()["logs"] == 0
    assert bytes(Run.objects.get(pk=running.pk).log_z) == LOG


def test_old_cells_go_wholly_and_nothing_else(finished: Callable[..., Run], learner: User) -> None:
    old, young, run = cell(learner, days=11), cell(learner, days=9), finished(learner, days=99)
    assert apply()["cells"] == 1
    assert set(Run.objects.values_list("pk", flat=True)) == {young.pk, run.pk}
    assert not Run.objects.filter(pk=old.pk).exists()


def test_nought_days_means_for_ever(finished: Callable[..., Run], learner: User, settings: Any) -> None:
    settings.KEEP_LOGS_DAYS = settings.KEEP_CELLS_DAYS = settings.KEEP_SIGNINS_DAYS = settings.KEEP_MAIL_DAYS = 0
    finished(learner, days=9_999)
    cell(learner, days=9_999)
    assert set(apply().values()) == {0}


def test_a_dry_run_counts_and_changes_nothing(
    finished: Callable[..., Run], learner: User, capsys: pytest.CaptureFixture[str]
) -> None:
    run = finished(learner, days=11)
    call_command("retention", dry_run=True)
    assert "logs: 1 would be deleted" in capsys.readouterr().out
    assert bytes(Run.objects.get(pk=run.pk).log_z) == LOG
    call_command("retention")
    assert "logs: 1 deleted" in capsys.readouterr().out
    assert bytes(Run.objects.get(pk=run.pk).log_z) == retention.GONE


def test_it_goes_in_small_steps_and_stops_in_time(
    finished: Callable[..., Run], learner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "READ", 4)
    for _ in range(5):
        finished(learner, days=11)
    assert apply(limit_s=-1)["logs"] == 0
    with CaptureQueriesContext(connection) as seen:
        assert apply()["logs"] == 5
    assert sum(query["sql"].startswith("UPDATE") for query in seen) == 3


def test_ended_sessions_and_old_sign_ins_go(db: None) -> None:
    now = timezone.now()
    for name, when in (("over", now - DAY), ("open", now + DAY)):
        Session.objects.create(session_key=name, session_data="", expire_date=when)
    for days in (11, 9):
        record = AccessLog.objects.create(username=f"u{days}", ip_address="192.0.2.1")
        AccessLog.objects.filter(pk=record.pk).update(attempt_time=now - days * DAY)
    apply()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["open"]
    assert list(AccessLog.objects.values_list("username", flat=True)) == ["u9"]


def test_old_messages_in_files_go(db: None, settings: Any) -> None:
    folder = Path(settings.EMAIL_FILE_PATH)
    folder.mkdir()
    for name, days in (("old.log", 11), ("young.log", 9), ("other.txt", 99)):
        (folder / name).write_text("x")
        then = datetime.now().timestamp() - days * DAY.total_seconds()  # noqa: DTZ005
        os.utime(folder / name, (then, then))
    assert apply()["mail"] == 1
    assert sorted(path.name for path in folder.iterdir()) == ["other.txt", "young.log"]


def test_a_site_does_it_every_night(db: None) -> None:
    entry = tasks.app.conf.beat_schedule["retention"]
    assert entry["task"] == tasks.retention.name
    tasks.retention()
