"""Drafts: what is written and not sent is kept, for its writer alone, and never replaced by something older unasked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from lessons.loader import Exercise as Content
from tests.unit.web.lessons import ANSWER, LESSON, SLUG
from webapp.accounts.models import User
from webapp.catalog.services import exercise_mirror
from webapp.submissions.drafts import draft_save
from webapp.submissions.models import Draft, Run, Submission

AsUser = Callable[[User], Client]
EXERCISE = f"/lessons/{LESSON}/{SLUG}/"
URL = f"{EXERCISE}draft/"
JSON = {"accept": "application/json"}
pytestmark = pytest.mark.usefixtures("woken")


def body(version: object = 0, **texts: str) -> dict[str, str]:
    files = {"answer.py": "mine\n", "helper.py": ""} | {name.replace("_py", ".py"): t for name, t in texts.items()}
    return {"version": str(version)} | {f"file:{name}": text for name, text in files.items()}


def shown(client: Client, query: str = "") -> str:
    page = client.get(EXERCISE + query).context["page"]
    return next(str(file.content) for file in page.files if file.name == "answer.py")


def source(client: Client, query: str = "") -> str:
    return str(client.get(EXERCISE + query).context["page"].draft.source)


def test_it_is_kept_for_its_writer_alone(learner: User, peer: User, as_user: AsUser) -> None:
    answer = as_user(learner).post(URL, body(answer_py="precious = 1\r\n"), headers=JSON)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert shown(as_user(learner)) == "precious = 1\n"
    assert "precious" not in shown(as_user(peer))
    assert Client().get(EXERCISE).context["page"].draft is None
    refused = Client().post(URL, body(), headers=JSON)
    assert refused.status_code == 401
    assert Draft.objects.count() == 1


def test_a_second_tab_is_told_and_may_choose(learner: User, as_user: AsUser) -> None:
    client = as_user(learner)
    client.post(URL, body(answer_py="one"), headers=JSON)
    assert client.post(URL, body(1, answer_py="two"), headers=JSON).json()["version"] == 2
    late = client.post(URL, body(1, answer_py="from the other tab"), headers=JSON)
    assert late.status_code == 409
    assert (late.json()["version"], late.json()["files"]["answer.py"]) == (2, "two")
    assert Draft.objects.get().texts["answer.py"] == "two"
    chosen = client.post(URL, body(2, answer_py="from the other tab"), headers=JSON)
    assert (chosen.status_code, Draft.objects.get().texts["answer.py"]) == (200, "from the other tab")


def test_the_same_text_again_is_no_conflict_and_no_change(learner: User, as_user: AsUser) -> None:
    client = as_user(learner)
    client.post(URL, body(answer_py="one"), headers=JSON)
    before = Draft.objects.get().saved_at
    again = client.post(URL, body(0, answer_py="one"), headers=JSON)
    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert Draft.objects.get().saved_at == before


def test_two_first_saves_make_one_draft(learner: User, content: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both saw that there was none: the later one is told of the other's."""
    draft_save(learner=learner, exercise=content, files={"answer.py": "first"}, version="0")
    monkeypatch.setattr("webapp.submissions.drafts.draft_find", lambda *_: None)
    late = draft_save(learner=learner, exercise=content, files={"answer.py": "second"}, version="0")
    assert (late.taken, late.draft.texts) == (False, {"answer.py": "first"})


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("files.answer.py", body(answer_py="x" * (8 * 1024 + 1))),
        ("files.answer.py", body(answer_py="a\0b")),
        ("files.data.json", {"version": "0", "file:data.json": "{}"}),
        ("files.extra.py", {"version": "0", "file:extra.py": "1"}),
        ("files", {"version": "0", "file:../../etc/passwd": "1"}),
        ("files", {"version": "0"}),
        ("files", body() | {"file:third.py": "3"}),
        ("version", body("")),
        ("version", body("-1")),
        ("version", body("٣")),
        ("version", body("9" * 400)),
        ("version", body("9999999999")),
    ],
)
def test_it_refuses_what_it_cannot_keep(learner: User, as_user: AsUser, field: str, sent: dict[str, str]) -> None:
    answer = as_user(learner).post(URL, sent, headers=JSON)
    assert answer.status_code == 422
    assert field in answer.json()["errors"]
    assert not Draft.objects.exists()


def test_unfinished_work_is_kept_as_it_is(learner: User, as_user: AsUser) -> None:
    """A submission needs all its files, and something in them; a draft does not."""
    sent = {"version": "0", "file:answer.py": ""}
    assert as_user(learner).post(URL, sent, headers=JSON).status_code == 200
    assert shown(as_user(learner)) == ""


def test_the_newer_of_draft_and_submission_is_shown(learner: User, as_user: AsUser, submit: Callable[..., Run]) -> None:
    client = as_user(learner)
    assert source(client) == "starter"
    submit(learner)
    assert source(client) == "sent"
    client.post(URL, body(answer_py="later"), headers=JSON)
    assert (source(client), shown(client)) == ("draft", "later")
    assert (source(client, "?from=sent"), shown(client, "?from=sent")) == ("sent", ANSWER["answer.py"])
    submit(learner)
    assert (source(client), shown(client)) == ("sent", ANSWER["answer.py"])
    assert (source(client, "?from=draft"), shown(client, "?from=draft")) == ("draft", "later")
    assert client.get(EXERCISE).context["page"].draft.draft_url.endswith("?from=draft")


def test_an_earlier_submission_can_be_opened_by_its_writer_only(
    learner: User, peer: User, as_user: AsUser, submit: Callable[..., Run]
) -> None:
    first = submit(learner, **{"answer.py": "first = 1\n", "helper.py": ""})
    submit(learner)
    query = f"?from={first.submission_id}"
    assert (source(as_user(learner), query), shown(as_user(learner), query)) == ("chosen", "first = 1\n")
    assert as_user(peer).get(EXERCISE + query).status_code == 404
    assert as_user(learner).get(EXERCISE + "?from=nonsense").status_code == 404
    assert Client().get(EXERCISE + query).status_code == 404
    assert shown(as_user(learner), "?from=starter") == "def double(x):\n    return x\n"


def test_the_page_says_that_the_exercise_changed_since(learner: User, as_user: AsUser, content: Content) -> None:
    client = as_user(learner)
    client.post(URL, body(answer_py="kept", helper_py="also"), headers=JSON)
    assert b"data-changed" not in client.get(EXERCISE).content
    Draft.objects.update(content_hash="0" * 64, texts={"answer.py": "kept", "gone.py": "no file of it any more"})
    page = client.get(EXERCISE)
    assert b"data-changed" in page.content
    assert shown(client) == "kept"
    client.post(URL, body(1, answer_py="kept, and seen"), headers=JSON)
    assert Draft.objects.get().content_hash == content.content_hash
    assert b"data-changed" not in client.get(EXERCISE).content


def test_without_script_it_is_a_button(learner: User, as_user: AsUser) -> None:
    client = as_user(learner)
    saved = client.post(URL, body(answer_py="by hand"), follow=True)
    assert saved.redirect_chain == [(EXERCISE, 302)]
    assert b"Your draft is saved." in saved.content
    late = client.post(URL, body(0, answer_py="older page"))
    assert late.status_code == 422
    assert shown_in(late) == "older page"
    assert b'name="version" value="1"' in late.content  # pressed again, it replaces
    assert Draft.objects.get().texts["answer.py"] == "by hand"


def shown_in(answer: Any) -> str:
    return next(str(file.content) for file in answer.context["page"].files if file.name == "answer.py")


def test_a_draft_goes_with_its_account(learner: User, content: Content) -> None:
    Draft.objects.create(
        learner=learner, exercise=exercise_mirror(content), texts={}, content_hash="", saved_at=timezone.now()
    )
    learner.delete()
    assert not Draft.objects.exists()


def test_a_run_of_ours_that_failed_can_be_made_again(
    learner: User, peer: User, as_user: AsUser, submit: Callable[..., Run]
) -> None:
    run = submit(learner, "cpu")
    url = f"/runs/{run.pk}/again/"
    assert as_user(learner).post(url, headers=JSON).status_code == 422  # it waits
    done = timezone.now() + timedelta(seconds=1)
    Run.objects.filter(pk=run.pk).update(status="done", verdict="infra_error", finished_at=done, tries=3)
    page = as_user(learner).get(f"/runs/{run.pk}/")
    assert b"data-our-fault" in page.content
    assert url.encode() in page.content
    assert as_user(peer).post(url, headers=JSON).status_code == 404
    again = as_user(learner).post(url, headers=JSON)
    assert again.status_code == 201
    fresh = Run.objects.get(pk=again.json()["run"])
    assert (fresh.tier, fresh.status) == ("cpu", "queued")
    assert fresh.submission is not None
    assert {file.name: file.content for file in fresh.submission.files.all()} == ANSWER
    assert Submission.objects.count() == 2


def test_nobody_makes_somebody_elses_run_again(
    learner: User, instructor: User, as_user: AsUser, submit: Callable[..., Run]
) -> None:
    run = submit(learner, "cpu")
    Run.objects.filter(pk=run.pk).update(status="done", verdict="infra_error", finished_at=timezone.now())
    assert as_user(instructor).post(f"/runs/{run.pk}/again/", headers=JSON).status_code == 422
    assert f"/runs/{run.pk}/again/".encode() not in as_user(instructor).get(f"/runs/{run.pk}/").content
