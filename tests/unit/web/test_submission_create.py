"""All bad input of the issue: each a clear message at its field, nothing stored half."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.test import Client

from lessons.loader import Exercise as Content
from tests.unit.web.lessons import ANSWER, LESSON, SLUG
from webapp.accounts.models import User
from webapp.catalog.models import Exercise
from webapp.submissions import services
from webapp.submissions.models import Run, Submission, SubmissionFile

URL = f"/lessons/{LESSON}/{SLUG}/submissions/"
BAD = {
    "nothing": ({}, "files", "Nothing was sent"),
    "blank": ({"answer.py": " \n", "helper.py": ""}, "files", "Every file is empty"),
    "missing": ({"answer.py": "x"}, "files.helper.py", "is missing"),
    "too large": ({**ANSWER, "answer.py": "x" * 8193}, "files.answer.py", "larger than 8 KiB"),
    "too large in bytes": ({**ANSWER, "answer.py": "é" * 5000}, "files.answer.py", "larger than 8 KiB"),
    "NUL": ({**ANSWER, "answer.py": "a\0b"}, "files.answer.py", "not UTF-8 text"),
    "binary": ({**ANSWER, "answer.py": b"\x7fELF\xff\xfe"}, "files.answer.py", "not UTF-8 text"),
    "replaced bytes": ({**ANSWER, "answer.py": "a\ufffdb"}, "files.answer.py", "not UTF-8 text"),
    "lone surrogate": ({**ANSWER, "answer.py": "a\ud800b"}, "files.answer.py", "not UTF-8 text"),
    "parent folder": ({**ANSWER, "../judge.py": "x"}, "files", "'../judge.py' is not a file name"),
    "absolute": ({**ANSWER, "/etc/passwd": "x"}, "files", "'/etc/passwd' is not a file name"),
    "odd unicode": ({**ANSWER, "answer\u202egnp.py": "x"}, "files", r"'answer\u202egnp.py' is not a file name"),
    "look-alike": ({**ANSWER, "аnswer.py": "x"}, "files", r"'\u0430nswer.py' is not a file name"),
    "empty name": ({**ANSWER, "": "x"}, "files", "'' is not a file name"),
    "read-only": ({**ANSWER, "data.json": "[]"}, "files.data.json", "read-only"),
    "unknown file": ({**ANSWER, "more.py": "x"}, "files.more.py", "not a file of this exercise"),
    "1,000 files": ({f"f{n}.py": "x" for n in range(1000)}, "files", "1000 files were sent; at most 5"),
}


def stored() -> int:
    return Submission.objects.count() + SubmissionFile.objects.count() + Run.objects.count() + Exercise.objects.count()


@pytest.mark.parametrize("case", BAD)
def test_it_refuses_bad_files_at_their_field(case: str, learner: User, content: Content) -> None:
    files, field, text = BAD[case]
    with pytest.raises(ValidationError) as caught:
        services.submission_create(learner=learner, exercise=content, files=files, tier="smoke")
    assert list(caught.value.message_dict) == [field]
    assert text in caught.value.message_dict[field][0]
    assert stored() == 0


@pytest.mark.parametrize("case", [case for case in BAD if case not in ("binary", "lone surrogate")])
def test_it_answers_bad_files_with_422(case: str, learner: User, as_user: Callable[[User], Client]) -> None:
    files, field, text = BAD[case]
    fields = {f"file:{name}": value for name, value in files.items()}
    answer = as_user(learner).post(URL, {**fields, "tier": "smoke"}, headers={"accept": "application/json"})
    assert answer.status_code == 422
    assert text in answer.json()["errors"][field][0]
    assert stored() == 0


def test_it_says_all_that_is_wrong_at_once(learner: User, content: Content) -> None:
    with pytest.raises(ValidationError) as caught:
        services.submission_create(
            learner=learner, exercise=content, files={"answer.py": "a\0", "../x": "", "data.json": ""}, tier="cpu"
        )
    assert set(caught.value.message_dict) == {"files", "files.answer.py", "files.data.json", "files.helper.py"}


@pytest.mark.parametrize("tier", ["", "huge", "gpu", "SMOKE"])
def test_it_refuses_a_tier_that_is_not_offered(tier: str, learner: User, content: Content) -> None:
    with pytest.raises(ValidationError) as caught:
        services.submission_create(learner=learner, exercise=content, files=ANSWER, tier=tier)
    assert set(caught.value.message_dict) == {"tier"}
    assert caught.value.message_dict["tier"][0].endswith("Choose one of: smoke, cpu.")


def test_it_refuses_more_runs_than_one_learner_may_have_open(learner: User, content: Content) -> None:
    for _ in range(services.MAX_OPEN_RUNS):
        services.submission_create(learner=learner, exercise=content, files=ANSWER, tier="smoke")
    with pytest.raises(ValidationError, match="8 runs waiting"):
        services.submission_create(learner=learner, exercise=content, files=ANSWER, tier="smoke")
    assert Submission.objects.count() == services.MAX_OPEN_RUNS


def test_it_stores_submission_files_and_run(
    learner: User, content: Content, woken: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        run = services.submission_create(
            learner=learner, exercise=content, files={**ANSWER, "answer.py": "a\r\nb\r"}, tier="cpu"
        )
        assert woken == []
    assert woken == ["cpu"]
    assert run.submission is not None
    assert {file.name: file.content for file in run.submission.files.all()} == {**ANSWER, "answer.py": "a\nb\n"}
    assert (run.status, run.verdict, run.tier, run.queue) == ("queued", "", "cpu", "cpu")
    assert run.submission.content_hash == content.content_hash
    assert run.submission.exercise.key == f"{LESSON}/{SLUG}"


def test_it_draws_a_new_seed_for_every_run(submit: Callable[..., Run], learner: User) -> None:
    seeds = {submit(learner).seed for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_it_stores_nothing_when_the_run_cannot_be_stored(
    learner: User, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**values: Any) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(services, "run_create", fail)
    with pytest.raises(DatabaseError):
        services.submission_create(learner=learner, exercise=content, files=ANSWER, tier="smoke")
    assert stored() == 0


@pytest.mark.parametrize("path", [f"/lessons/{LESSON}/nothing/", f"/lessons/99_none/{SLUG}/"])
def test_it_answers_an_unknown_exercise_with_404(path: str, learner: User, as_user: Callable[[User], Client]) -> None:
    client = as_user(learner)
    assert client.get(path).status_code == 404
    assert client.post(f"{path}submissions/", {"file:answer.py": "x", "tier": "smoke"}).status_code == 404
    assert stored() == 0


def test_it_answers_a_script_with_addresses(learner: User, as_user: Callable[[User], Client]) -> None:
    fields = {f"file:{name}": text for name, text in ANSWER.items()} | {"tier": "smoke"}
    answer = as_user(learner).post(URL, fields, headers={"accept": "application/json"})
    run = Run.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "run": str(run.pk),
        "url": f"/runs/{run.pk}/",
        "panel_url": f"/runs/{run.pk}/panel/",
        "ws_url": f"/ws/runs/{run.pk}/",
    }


def test_it_redirects_a_plain_form_to_the_run(learner: User, as_user: Callable[[User], Client]) -> None:
    fields = {f"file:{name}": text for name, text in ANSWER.items()} | {"tier": "smoke"}
    answer = as_user(learner).post(URL, fields)
    assert (answer.status_code, answer["Location"]) == (302, f"/runs/{Run.objects.get().pk}/")


def test_it_keeps_the_text_of_a_plain_form_with_errors(learner: User, as_user: Callable[[User], Client]) -> None:
    fields = {"file:answer.py": "my long work", "file:../x": "1", "tier": "smoke"}
    answer = as_user(learner).post(URL, fields)
    assert answer.status_code == 422
    assert b"my long work" in answer.content
    assert b"helper.py is missing" in answer.content


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"file:answer.py": "x" * (9 * 1024**2)}, "larger than 8 MiB"),
        ({f"file:{n}": "" for n in range(2_500)}, "More than 2000 fields"),
    ],
)
def test_it_says_what_is_too_much_for_one_request(
    fields: dict[str, str], text: str, learner: User, as_user: Callable[[User], Client]
) -> None:
    client = as_user(learner)
    scripted = client.post(URL, fields, headers={"accept": "application/json"})
    assert scripted.status_code == 422
    assert text in scripted.json()["errors"]["files"][0]
    plain = client.post(URL, fields)
    assert plain.status_code == 400
    assert text in plain.content.decode()
    assert stored() == 0


def test_it_sends_visitors_to_sign_in(db: None) -> None:
    client = Client()
    answer = client.post(URL, {"tier": "smoke"})
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next=/lessons/{LESSON}/{SLUG}/"
    scripted = client.post(URL, {"tier": "smoke"}, headers={"accept": "application/json"})
    assert scripted.status_code == 401
    assert stored() == 0


def test_it_refuses_a_post_without_a_csrf_token(learner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(URL, {"tier": "smoke"}).status_code == 403
