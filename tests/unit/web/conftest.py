"""The site's tests: SQLite in a file, a real Valkey, a lesson of their own, and a fixed cast."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.test import Client

from lessons.loader import Exercise as Content
from tests.unit.web.lessons import ANSWER, LESSON, SLUG, write_lessons
from webapp.accounts.models import Role, User
from webapp.catalog.course import course, course_forget
from webapp.config.celery import app as celery_app
from webapp.config.lab import LabState, write_state
from webapp.submissions import services
from webapp.submissions.models import Run


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file, because claims race over several connections; its own, because others may test at the same time."""
    if not str(django_settings.DATABASES["default"]["ENGINE"]).endswith("sqlite3"):
        return  # RANKZERO_DATABASE_URL names a PostgreSQL: Django makes a test database there
    name = str(tmp_path_factory.mktemp("db") / "test.sqlite3")
    django_settings.DATABASES["default"]["TEST"]["NAME"] = name


@pytest.fixture(scope="session", autouse=True)
def own_lessons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = write_lessons(tmp_path_factory.mktemp("lessons"))
    os.environ["RANKZERO_LESSONS"] = str(root)
    course_forget()
    yield root
    del os.environ["RANKZERO_LESSONS"]
    course_forget()


@pytest.fixture(autouse=True)
def site_settings(settings: Any, valkey: str, tmp_path: Path) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.REDIS_URL = valkey
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": valkey}}
    settings.VITE_MANIFEST = write_manifest(tmp_path / "manifest.json")
    celery_app.conf.broker_url = valkey.replace("unix://", "redis+socket://")
    redis.Redis.from_url(valkey).flushall()


def write_manifest(path: Path) -> Path:
    """Every entry that a template may name, so that pages render without a front-end build."""
    names = ["base", "home", "lesson", "exercise", "run", "theme", "account", "search", "plan", "styleguide"]
    manifest = {f"src/{n}.ts": {"file": f"assets/{n}-aaaaaaaa.js", "name": n, "isEntry": True} for n in names}
    manifest["src/icons.svg"] = {"file": "assets/icons-aaaaaaaa.svg"}
    path.write_text(json.dumps(manifest))
    return path


@pytest.fixture(autouse=True)
def lab_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the lab were installed; tests of the other states write their own."""
    monkeypatch.setattr("webapp.config.lab.is_current", lambda: True)
    write_state(LabState(state="ready", text="The lab is ready.", done=1.0))


def make_user(name: str, role: Role = Role.LEARNER) -> User:
    return User.objects.create_user(username=name, email=f"{name}@example.org", password="pw-of-a-test", role=role)


@pytest.fixture
def learner(db: None) -> User:
    return make_user("ada")


@pytest.fixture
def peer(db: None) -> User:
    return make_user("bob")


@pytest.fixture
def outsider(db: None) -> User:
    return make_user("charlie")


@pytest.fixture
def instructor(db: None) -> User:
    return make_user("ines", Role.INSTRUCTOR)


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


@pytest.fixture
def content() -> Content:
    found = course().exercise(LESSON, SLUG)
    assert found is not None, course().errors
    return found


@pytest.fixture
def submit(content: Content, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Submit the right answer as a learner; many times if a test wants."""
    monkeypatch.setattr(services, "MAX_OPEN_RUNS", 1_000)

    def create(user: User, tier: str = "smoke", **files: str) -> Run:
        return services.submission_create(learner=user, exercise=content, files=files or ANSWER, tier=tier)

    return create


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queues that were woken."""
    queues: list[str] = []
    monkeypatch.setattr("webapp.submissions.services.wake", queues.append)
    monkeypatch.setattr("webapp.submissions.queue.wake", queues.append)
    return queues
