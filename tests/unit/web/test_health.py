from __future__ import annotations

from typing import Any

from django.db.migrations.recorder import MigrationRecorder
from django.test import Client


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


def test_it_names_migrations_that_are_missing(db: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="submissions").delete()
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert "run manage.py migrate" in answer.json()["migrations"]
