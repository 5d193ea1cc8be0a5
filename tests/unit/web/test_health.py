from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from webapp.accounts.models import User
from webapp.submissions.models import Run, Worker


def test_it_is_alive() -> None:
    assert Client().get("/healthz").content == b"ok\n"


def test_it_is_ready(db: None) -> None:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert "no-store" in answer["Cache-Control"]


def test_it_names_the_part_that_is_missing(db: None, settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/s?password=hush"
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "ok")
    assert answer.json()["redis"].startswith("unavailable")
    assert "hush" not in answer.content.decode()


def test_it_is_ready_without_a_worker_and_says_that_there_is_none(db: None, settings: Any) -> None:
    settings.TIERS = ["smoke", "cpu"]
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["workers"]) == (200, "none for smoke, cpu")
    now = timezone.now()
    Worker.objects.create(
        name="w", host="here", queues=["smoke"], concurrency=1, cores=1, memory_mb=1, started_at=now, seen_at=now
    )
    assert Client().get("/readyz").json()["workers"] == "none for cpu"
    Worker.objects.update(queues=["smoke", "cpu"])
    assert Client().get("/readyz").json()["workers"] == "ok"


@pytest.mark.usefixtures("woken")
def test_it_tells_how_long_runs_wait(submit: Callable[..., Run], learner: User) -> None:
    run = submit(learner)
    Run.objects.filter(pk=run.pk).update(queued_at=timezone.now() - timedelta(minutes=2))
    told = Client().get("/readyz").json()["queue"]
    assert told["waiting"] == 1
    assert 120 <= told["oldest_wait_s"] < 130


def test_it_names_migrations_that_are_missing(db: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="submissions").delete()
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert "run manage.py migrate" in answer.json()["migrations"]
