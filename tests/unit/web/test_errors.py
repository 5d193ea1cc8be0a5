"""What people see when something was refused or broke, and the policy that every page is served under."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from webapp.accounts.models import User

pytestmark = pytest.mark.django_db
TEMPLATES = Path(__file__).resolve().parents[3] / "webapp" / "templates"
POLICY = "Content-Security-Policy"


def test_no_style_and_no_script_is_allowed_by_being_inline(client: Client, learner: User, as_user: Any) -> None:
    for answer in (client.get("/"), client.get("/nowhere/"), as_user(learner).get("/accounts/profile/")):
        policy = answer[POLICY]
        nonces = re.findall(r"'nonce-([^']+)'", policy)
        assert "unsafe" not in policy
        assert len(nonces) == 2
        assert len(set(nonces)) == 1
        assert f'nonce="{nonces[0]}"' in answer.content.decode()


def test_no_template_styles_an_element_in_place() -> None:
    inline = re.compile(r"""<[^>]*\s(style|on[a-z]+)\s*=\s*["'{]""")
    templates = {path: path.read_text() for path in TEMPLATES.rglob("*.html")}
    assert inline.search('<p class="a" style="color: red">')
    assert len(templates) > 20
    assert [path.name for path, text in templates.items() if inline.search(text)] == []


def test_a_page_that_broke_needs_no_database_and_may_style_itself(
    client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Callable[..., Any]
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("webapp.catalog.context.lab_notice", broken)
    client.raise_request_exception = False
    with django_assert_num_queries(0):
        answer = client.get("/accounts/login/")
    nonce = re.search(r"style-src [^;]*'nonce-([^']+)'", answer[POLICY])
    assert answer.status_code == 500
    assert nonce
    assert f'<style nonce="{nonce[1]}">' in answer.content.decode()


def test_a_refused_request_is_explained_in_the_one_design(client: Client) -> None:
    answer = client.post("/accounts/login/", {f"field{n}": "" for n in range(2_001)})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "More than 2000 fields were sent." in page
    assert 'class="site-header"' in page


@pytest.mark.parametrize(("path", "status"), [("/nowhere/", 404), ("/lessons/none/", 404)])
def test_a_missing_page_leads_on(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert f'<p class="code">{status}</p>' in answer.content.decode()
    assert 'href="/search/"' in answer.content.decode()
