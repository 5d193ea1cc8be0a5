"""All of one's data: nothing is forgotten in the archive, and nothing is left after deletion."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from allauth.account.models import EmailAddress
from axes.models import AccessAttempt, AccessFailureLog
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.mail import send_mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.unit.web.lessons import ANSWER
from webapp.accounts import personal
from webapp.accounts.deletion import LastAdministratorError, user_delete
from webapp.accounts.demo import demo_accounts_file
from webapp.accounts.export import safe
from webapp.accounts.invitations import invitation_create, invitation_use
from webapp.accounts.mail import kept_mail_delete
from webapp.accounts.models import Role, User
from webapp.accounts.personal import StillBusyError
from webapp.accounts.tokens import token_create
from webapp.catalog.models import Exercise, QuizAnswer, Reading
from webapp.cohorts.models import Cohort, Enrolment
from webapp.config.paths import state_dir
from webapp.learning.models import PlanFeed, PlanStep, StudyPlan
from webapp.submissions import personal as work
from webapp.submissions.keptlog import pack
from webapp.submissions.logstream import Entry, connect, stream_key
from webapp.submissions.models import Draft, Regrade, Review, Run, Status, Submission

AsUser = Callable[[User], Client]
NAME, EMAIL = "zenobia-the-first", "zenobia@palmyra.example"


def test_no_model_that_points_at_a_person_is_forgotten() -> None:
    """A new model needs a Keeper in its app's personal.py (or a reason in accounts/personal.py)."""
    pointing = {
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if not field.auto_created and getattr(field, "related_model", None) is User
    }
    assert len(pointing) > 10
    assert pointing == personal.covered() | set(personal.EXEMPT)


@pytest.fixture
def zenobia(db: None) -> User:
    return User.objects.create_user(username=NAME, email=EMAIL, password="pw-of-a-test", display_name="Zenobia Z.")


def finished(user: User, submission: Submission | None, **values: Any) -> Run:
    now = timezone.now()
    return Run.objects.create(
        **{
            "kind": "submission", "learner": user, "submission": submission, "tier": "cpu", "queue": "cpu",
            "seed": 77123, "status": "done", "verdict": "passed", "queued_at": now, "finished_at": now, "score": 1.0,
            "report": {"verdict": "passed", "seed": 77123, "metrics": [], "checks": []},
            "log_z": pack([Entry(type="line", n=1, stream="stdout", text=f"hello from {NAME}")]), **values,
        }
    )  # fmt: skip


@pytest.fixture
def full_life(zenobia: User, submit: Callable[..., Run], as_user: AsUser, tmp_path: Path, settings: Any) -> User:
    """Somebody who did everything that can be done here, and left traces of it."""
    submission = submit(zenobia).submission
    assert submission is not None
    exercise = submission.exercise
    Draft.objects.create(
        learner=zenobia, exercise=exercise, texts={"a.py": f"# {NAME}"}, content_hash="0", saved_at=timezone.now()
    )
    run = finished(zenobia, submission)
    finished(zenobia, submission, confirms=run)
    finished(zenobia, submission, regrade=Regrade.objects.create(reason="mended", submission=submission))
    finished(zenobia, None, kind="cell", cell_lesson="lesson", cell_sources=[f"print('{NAME}')"])
    Reading.objects.create(user=zenobia, lesson="lesson", sections=["a"])
    QuizAnswer.objects.create(user=zenobia, lesson="l", quiz="q", answer="1", correct=True, was_correct=True)
    Enrolment.objects.create(cohort=Cohort.objects.create(name="Autumn", slug="autumn"), user=zenobia)
    plan = StudyPlan.objects.create(user=zenobia, kind="full_time", start="2026-11-23", time_zone="UTC")
    PlanStep.objects.create(plan=plan, key="one")
    PlanFeed.objects.create(user=zenobia, token="t" * 40)
    EmailAddress.objects.create(user=zenobia, email=EMAIL, primary=True, verified=True)
    token_create(user=zenobia, name="laptop", scope="read", expires_at=None)
    invitation_use(invitation=invitation_create(made_by=None, email=EMAIL)[0], user=zenobia)
    invitation_create(made_by=zenobia)
    for login in (NAME.upper(), EMAIL):
        Client().post("/accounts/login/", {"login": login, "password": "wrong"})
    settings.EMAIL_BACKEND = "webapp.accounts.mail.OperatorsMail"
    settings.EMAIL_FILE_PATH = state_dir() / "mail"
    Client().post("/accounts/password/reset/", {"email": EMAIL})
    as_user(zenobia).get("/accounts/profile/")
    return zenobia


def unpacked(client: Client) -> dict[str, bytes]:
    answer = client.post("/accounts/data/export/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


def test_the_archive_holds_everything(full_life: User, as_user: AsUser) -> None:
    files = unpacked(as_user(full_life))
    assert {name.partition("/")[0] for name in files} == {
        "README.txt",
        "account",
        "lessons",
        "classes",
        "work",
        "plans",
    }
    assert json.loads(files["account/profile.json"])["email"] == EMAIL
    assert json.loads(files["plans/steps.json"])[0]["key"] == "one"
    names = "\n".join(files)
    for part in ("/files/", "/runs.json", "/log_cpu_", "work/drafts/", "work/cells/lesson/", "account/tokens.json"):
        assert part in names, names
    assert any(f"hello from {NAME}".encode() in content for name, content in files.items() if "/log_" in name)


def test_the_archive_holds_no_secret_and_nothing_of_others(
    full_life: User, peer: User, submit: Callable[..., Run], as_user: AsUser
) -> None:
    submit(peer, **{**ANSWER, "answer.py": "# of bob alone"})
    whole = b"\n".join(unpacked(as_user(full_life)).values())
    assert b"of bob alone" not in whole
    assert b"77123" not in whole  # seeds
    assert full_life.password.encode() not in whole
    assert full_life.api_tokens.get().digest.encode() not in whole


def test_an_archive_is_for_whoever_is_signed_in_and_not_made_all_the_time(learner: User, as_user: AsUser) -> None:
    assert Client().post("/accounts/data/export/").status_code == 302
    client = as_user(learner)
    assert client.get("/accounts/data/export/").status_code == 405
    assert {"README.txt", "account/profile.json"} <= set(unpacked(client))
    assert client.post("/accounts/data/export/")["Location"] == "/accounts/data/"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a/../../etc/passwd", "a/etc/passwd"),
        ("/etc/x", "etc/x"),
        ("a\\..\\b", "a/b"),
        ("..", "file"),
        ("a/b.py", "a/b.py"),
    ],
)
def test_a_path_stays_in_the_folder(name: str, kept: str) -> None:
    assert safe(name) == kept


def texts() -> Iterator[tuple[str, str]]:
    """Every value of every column of every table, as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield table, " ".join(str(value) for value in row)


def traces() -> list[str]:
    """Where the name or the address is still found: database, Redis, state folder. Packed logs and sessions count."""
    words = (NAME, EMAIL, "Zenobia")
    found = [f"{table}: {text[:80]}" for table, text in texts() if any(word.lower() in text.lower() for word in words)]
    found += [f"session {s.pk}" for s in Session.objects.all() if s.get_decoded().get("_auth_user_id")]
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    for key in client.scan_iter():
        content = client.dump(key) or b""
        found += [f"redis {key!r}" for word in words if word.encode() in key + content]
    for path in state_dir().rglob("*"):
        if path.is_file() and not path.is_symlink() and "assets" not in path.parts and path.stat().st_size < 10**7:
            found += [str(path) for word in words if word.encode().lower() in path.read_bytes().lower()]
    return found


def test_nothing_is_left_of_a_deleted_account(full_life: User) -> None:
    demo_accounts_file().write_text(f"# names\nlearner  pw  learner\n{NAME}  pw  learner\n")
    run = Run.objects.filter(learner=full_life).first()
    assert run is not None
    with connect() as client:
        client.xadd(stream_key(run.pk), {"e": NAME})
    key = full_life.pk
    before = traces()
    assert {"accounts_user", "axes_accessattempt", "submissions_draft"} <= {line.partition(":")[0] for line in before}
    assert any("mail" in line for line in before)
    assert any(line.startswith("redis") for line in before)
    user_delete(user=full_life)
    assert traces() == []
    assert not Submission.objects.exists()
    assert not Run.objects.exists()
    assert not User.objects.filter(pk=key).exists()
    assert demo_accounts_file().read_text() == "# names\nlearner  pw  learner\n"
    demo_accounts_file().unlink()


def test_what_is_of_others_stays(full_life: User, peer: User, submit: Callable[..., Run]) -> None:
    theirs = submit(peer)
    assert theirs.submission is not None
    done = finished(peer, theirs.submission, verdict="under_review")
    Review.objects.create(run=done, reviewer=full_life, reviewer_name=NAME, decision="accepted", reason="plausible")
    Regrade.objects.create(reason="mended", exercise=theirs.submission.exercise, requested_by=full_life)
    send_mail("To you", "text", None, ["bob@example.org"])
    AccessFailureLog.objects.create(username="bob")
    user_delete(user=full_life)
    assert Review.objects.get().reviewer_name == work.FORMER
    assert Regrade.objects.get().requested_by is None
    assert set(User.objects.values_list("username", flat=True)) == {"bob"}
    assert Run.objects.filter(learner=peer).count() == 2
    assert AccessFailureLog.objects.filter(username="bob").exists()
    assert not AccessAttempt.objects.exists()
    assert len(list((state_dir() / "mail").glob("*.log"))) == 1
    assert kept_mail_delete({"bob@example.org"}) == 1


def test_what_runs_is_stopped_first(zenobia: User, submit: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """While a worker holds a run the account stays; when the worker has let go, it can be deleted."""
    waiting, running = submit(zenobia), submit(zenobia, tier="cpu")
    held = timezone.now() + timedelta(minutes=1)
    Run.objects.filter(pk=running.pk).update(status=Status.RUNNING, worker="w", lease_expires_at=held)
    monkeypatch.setattr(work, "STOP_S", 0.2)
    with pytest.raises(StillBusyError):
        user_delete(user=zenobia)
    waiting.refresh_from_db()
    running.refresh_from_db()
    assert (waiting.status, running.cancel_requested) == (Status.CANCELLED, True)
    Run.objects.filter(pk=running.pk).update(status="cancelled", verdict="cancelled", finished_at=timezone.now())
    user_delete(user=zenobia)
    assert not Run.objects.exists()


def test_a_worker_that_is_gone_holds_nothing_up(zenobia: User, submit: Callable[..., Run]) -> None:
    run = submit(zenobia)
    past = timezone.now() - timedelta(seconds=1)
    Run.objects.filter(pk=run.pk).update(status=Status.RUNNING, worker="w", lease_expires_at=past)
    user_delete(user=zenobia)
    assert not Run.objects.exists()


def test_while_redis_is_away_nothing_is_deleted(zenobia: User, submit: Callable[..., Run], settings: Any) -> None:
    submit(zenobia)
    settings.REDIS_URL = "unix:///nowhere"
    with pytest.raises(StillBusyError):
        user_delete(user=zenobia)
    assert User.objects.filter(pk=zenobia.pk).exists()
    assert Submission.objects.exists()


def test_the_last_administrator_stays(db: None) -> None:
    def administrator(name: str, **values: Any) -> User:
        return User.objects.create_user(username=name, email=f"{name}@example.org", role=Role.ADMIN, **values)

    first, second, _idle = administrator("one"), administrator("two"), administrator("off", is_active=False)
    user_delete(user=first)
    with pytest.raises(LastAdministratorError):
        user_delete(user=second)
    assert User.objects.filter(username="two").exists()


DELETE = "/accounts/data/delete/"


def test_the_page_asks_who_it_is_and_for_the_name(zenobia: User, as_user: AsUser) -> None:
    client, elsewhere = as_user(zenobia), as_user(zenobia)
    asked = client.get(DELETE)
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    assert client.post(DELETE, {"name": "somebody"})["Location"].startswith("/accounts/reauthenticate/")
    client.post(asked["Location"], {"password": "wrong"})
    assert client.get(DELETE).status_code == 302
    client.post(asked["Location"], {"password": "pw-of-a-test"})
    assert client.get(DELETE).status_code == 200
    assert client.post(DELETE, {"name": "somebody"}).status_code == 422
    assert User.objects.filter(pk=zenobia.pk).exists()
    answer = client.post(DELETE, {"name": NAME}, follow=True)
    assert b"is deleted" in answer.content
    assert not User.objects.filter(pk=zenobia.pk).exists()
    assert elsewhere.get("/accounts/profile/").status_code == 302


def test_the_page_says_why_it_cannot_be_now(zenobia: User, as_user: AsUser, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(**_: Any) -> None:
        raise StillBusyError

    def last(**_: Any) -> None:
        raise LastAdministratorError

    client = as_user(zenobia)
    client.post(client.get(DELETE)["Location"], {"password": "pw-of-a-test"})
    for refuse, said in ((busy, b"still running"), (last, b"only administrator")):
        monkeypatch.setattr("webapp.accounts.data_views.user_delete", refuse)
        answer = client.post(DELETE, {"name": NAME})
        assert (answer.status_code, said in answer.content) == (422, True)


def test_mail_of_a_site_without_a_server_is_printed_and_kept(tmp_path: Path, settings: Any, capfd: Any) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = "webapp.accounts.mail.OperatorsMail", tmp_path / "mail"
    send_mail("Réset", "the link", None, ["Zoé <A@example.org>"])
    send_mail("Other", "x", None, ["b@example.org", "c@example.org"])
    assert "mail: the link" in capfd.readouterr().err
    assert kept_mail_delete({"a@example.org"}) == 1
    assert kept_mail_delete({"c@example.org"}) == 1
    assert kept_mail_delete({"c@example.org"}) == 0
    assert not mail.outbox


def test_an_exercise_is_nobodys(full_life: User) -> None:
    """The control of deletion: what the course is made of stays."""
    user_delete(user=full_life)
    assert Exercise.objects.exists()
