"""Every page, in light and dark, wide and narrow: no accessibility fault, nothing wider than the screen."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenPage, check_axe

pytestmark = [pytest.mark.browser, pytest.mark.box]
PAGES = {
    "home": ("/", ""),
    "home, signed in": ("/", "learner"),
    "lesson 2": ("/lessons/02_peft_techniques/", ""),
    "lesson 3": ("/lessons/03_model_optimization/", ""),
    "lesson 9": ("/lessons/09_ab_testing/", "learner"),
    "exercise": ("/lessons/09_ab_testing/peek_safely/", "learner"),
    "exercise, signed out": ("/lessons/02_peft_techniques/one_percent/", ""),
    "sign in": ("/accounts/login/", ""),
    "sign up": ("/accounts/signup/", ""),
    "lesson 1": ("/lessons/01_distributed_training/", "learner"),
    "runs": ("/lessons/09_ab_testing/peek_safely/runs/", "learner"),
    "compare": ("/lessons/09_ab_testing/peek_safely/compare/", "learner"),
    "progress": ("/progress/", "learner"),
    "plan": ("/plan/", "learner"),
    "hardware": ("/hardware/", "learner"),
    "search": ("/search/?q=memory", ""),
    "forgotten password": ("/accounts/password/reset/", ""),
    "profile": ("/accounts/profile/", "learner"),
    "addresses": ("/accounts/email/", "learner"),
    "second factor": ("/accounts/2fa/", "learner"),
    "tokens": ("/accounts/tokens/", "learner"),
    "one's data": ("/accounts/data/", "learner"),
    "invitations": ("/accounts/invitations/", "instructor"),
    "review": ("/review/", "instructor"),
    "no such page": ("/nowhere/", ""),
}


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_it_on_every_screen(open_page: OpenPage, name: str) -> None:
    path, user = PAGES[name]
    page = open_page(path, user=user, scheme="light")
    check_axe(page)
    page.emulate_media(color_scheme="dark")
    check_axe(page)
    page.set_viewport_size({"width": 360, "height": 900})
    page.wait_for_function("document.documentElement.scrollWidth <= 360")


def test_it_draws_maths_and_diagrams_without_another_host(open_page: OpenPage) -> None:
    page = open_page("/lessons/09_ab_testing/")
    page.locator("pre.mermaid, .mermaid").first.scroll_into_view_if_needed()
    page.locator(".mermaid svg").first.wait_for(timeout=20_000)
    page.locator(".katex").first.wait_for(timeout=20_000)
    assert page.locator(".katex-error").count() == 0


def test_it_follows_the_theme_that_was_chosen(open_page: OpenPage) -> None:
    page = open_page("/", scheme="light")
    page.get_by_text("Menu and appearance").click(force=True)
    page.get_by_role("radio", name="Dark").check()
    page.get_by_role("radio", name="More").check()
    shown = "[document.documentElement.dataset.theme, document.documentElement.dataset.contrast]"
    assert page.evaluate(shown) == ["dark", "more"]
    page.reload()
    assert page.evaluate(shown) == ["dark", "more"]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(0, 0, 0)"
