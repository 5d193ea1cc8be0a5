"""Every text that the site shows goes through gettext: read in a language of brackets, no page has bare text.

Lessons are content and are not translated. What a person wrote carries `data-content` in the template.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.unit.web.lessons import LESSON, SLUG
from tests.unit.web.pseudo import bare_texts, brackets, pseudo_language, strings
from webapp.accounts.models import User
from webapp.accounts.tokens import token_create
from webapp.catalog.course import course
from webapp.submissions.models import Run

AsUser = Callable[[User], Client]
PEOPLE = {"ada", "bob", "ines", "ada@example.org", "ines@example.org", "A", "I", "laptop"} | {
    "English",
    "Deutsch",
    "Rank Zero",
}
EXERCISE = f"/lessons/{LESSON}/{SLUG}/"
PAGES = {
    "visitor": (
        "/", f"/lessons/{LESSON}/", EXERCISE, "/search/?q=number", "/search/?q=qqqqq", "/hardware/", "/nowhere/",
        "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/password/reset/done/",
        "/accounts/password/reset/key/1-x/", "/accounts/invitation/x/", "/accounts/inactive/",
        "/accounts/confirm-email/", "/accounts/confirm-email/x/",
    ),
    "learner": (
        "/", f"/lessons/{LESSON}/", EXERCISE, f"{EXERCISE}history/", "/progress/", "/plan/", "/hardware/",
        "/accounts/profile/", "/accounts/tokens/", "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/",
        "/accounts/2fa/totp/activate/", "/accounts/data/", "/accounts/data/delete/", "/accounts/logout/",
    ),
    "instructor": ("/", "/accounts/invitations/", "/review/"),
}  # fmt: skip


@cache
def content() -> frozenset[str]:
    """What stands in lessons and manifests, piece by piece."""
    found = course()
    told = [text for lesson in found.lessons for text in (lesson.title, lesson.summary, lesson.slug)]
    told += [text for lesson in found.lessons for text in re.findall(r"(?m)^#+ +(.+)$", lesson.body)]
    for lesson in found.lessons:
        for exercise in lesson.exercises:
            told += [exercise.slug, *exercise.starter, *strings(exercise.manifest.model_dump())]
    shown = (" ".join(text.split()).strip("·.,:;()/ ") for text in told)
    return frozenset(shown)


@pytest.fixture
def signed_in(
    learner: User, instructor: User, submit: Callable[..., Run], as_user: AsUser, settings: Any
) -> dict[str, Client]:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # so that the choice of one is shown
    token_create(user=learner, name="laptop", scope="read", expires_at=None)
    run = submit(learner)
    done = {"status": "done", "verdict": "failed", "finished_at": timezone.now(), "score": 0.5}
    Run.objects.filter(pk=run.pk).update(**done)
    clients = {"visitor": Client(), "learner": as_user(learner), "instructor": as_user(instructor)}
    clients["learner"].post(clients["learner"].get("/accounts/data/delete/")["Location"], {"password": "pw-of-a-test"})
    return clients


@pytest.mark.parametrize(("who", "path"), [(who, path) for who, paths in PAGES.items() for path in paths])
def test_a_page_has_no_bare_text(
    who: str, path: str, signed_in: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = set(content()) | PEOPLE
    pseudo_language(monkeypatch)
    answer = signed_in[who].get(path)
    assert answer.status_code in ((404,) if path in ("/nowhere/", "/accounts/invitation/x/") else (200,))
    page = answer.content.decode()
    assert page.count("⟦") > 5  # the control: the language is in use
    bare = bare_texts(page, known)
    assert not bare, "\n".join(bare)


def test_the_reader_finds_what_is_bare() -> None:
    page = '<p title="Bare one">⟦Said <b>in⟧</b> Bare two <span data-content>ada</span><br> 12 %</p><p>Known.</p>'
    assert bare_texts(page.replace("in⟧</b>", "in</b>⟧"), {"Known"}) == ["title of p: Bare one", "text: Bare two"]
    assert bare_texts(f"<p aria-label='{brackets('a b ' + brackets('cd'))}'>{brackets('ef')}</p>", set()) == []
