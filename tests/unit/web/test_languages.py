"""Another language: which are offered, what a page then loads, and texts of scripts in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from tests.unit.web.lessons import LESSON, SLUG
from webapp.accounts.models import User
from webapp.config import env

GERMAN = [("en", "English"), ("de", "Deutsch")]


def test_it_offers_languages_by_their_own_names() -> None:
    assert env.languages(["en", "de", "pt-br", "de"]) == [*GERMAN, ("pt-br", "Português Brasileiro")]


@pytest.mark.parametrize(("codes", "said"), [(["en", "tlh"], "tlh"), (["de"], "has to name en"), ([], "en")])
def test_it_refuses_languages_that_it_cannot_offer(codes: list[str], said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said):
        env.languages(codes)


def test_a_page_is_english_unless_the_site_offers_what_the_browser_asks_for(db: None, settings: Any) -> None:
    wish = {"HTTP_ACCEPT_LANGUAGE": "de,en;q=0.5"}
    page = Client().get("/accounts/login/", **wish).content.decode()
    assert '<html lang="en"' in page
    assert "/messages/" not in page
    settings.LANGUAGES = GERMAN
    page = Client().get("/accounts/login/", **wish).content.decode()
    assert '<html lang="de"' in page
    assert '<script src="/messages/de.js" nonce="' in page


def test_texts_of_scripts_come_with_the_plural_rule_of_their_language(settings: Any) -> None:
    settings.LANGUAGES = GERMAN
    answer = Client().get("/messages/de.js")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/javascript")
    assert "django.ngettext" in answer.content.decode()
    assert "max-age" in answer["Cache-Control"]


@pytest.mark.parametrize("code", ["de", "xx", "en-us"])
def test_a_language_that_is_not_offered_has_no_texts(code: str) -> None:
    assert Client().get(f"/messages/{code}.js").status_code == 404


@pytest.mark.parametrize("path", ["/", f"/lessons/{LESSON}/", f"/lessons/{LESSON}/{SLUG}/", "/progress/", "/hardware/"])
def test_numbers_in_attributes_stay_numbers(
    path: str, learner: User, as_user: Callable[[User], Client], settings: Any
) -> None:
    """German writes 1,5: a drawing or a meter cannot read that."""
    settings.LANGUAGES = GERMAN
    User.objects.filter(pk=learner.pk).update(language="de")
    page = as_user(learner).get(path)
    assert page["Content-Language"] == "de"
    assert re.findall(r'\s(?:[xyr]|[cr][xy]|[xy][12]|width|height|value|min|max|low|high)="-?\d+,\d+"', page.text) == []
