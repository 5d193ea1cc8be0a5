"""Search and the command palette: by keyboard alone, without scripts, on a phone, and for axe."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenPage, check_axe, sign_in
from tests.site_process import Site

pytestmark = [pytest.mark.browser]
LESSON = "/lessons/09_ab_testing/"


def active(page: Page) -> str:
    """The text of the option that the combobox points at."""
    return str(
        page.evaluate("document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).innerText")
    )


def test_the_palette_goes_places_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("/")
    page.locator("a.brand").focus()
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox")
    expect(box).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.locator("dialog.palette")).not_to_be_visible()
    expect(page.locator("a.brand")).to_be_focused()
    page.keyboard.press("/")
    expect(box).to_be_focused()
    expect(page.get_by_role("option", name="A/B Testing")).to_be_visible()
    page.keyboard.type("peeking")
    places = page.get_by_role("group", name="In the texts").get_by_role("option")
    expect(places.last).to_contain_text("results")
    expect(places.first.locator("mark").first).to_have_text(re.compile("peeking", re.IGNORECASE))
    first = active(page)
    page.keyboard.press("ArrowDown")
    second = active(page)
    assert second != first
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert "results" in active(page), "the options go round"
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=peeking")
    page.get_by_role("link").filter(has=page.locator("mark")).first.click()
    assert "/lessons/" in page.url


def test_what_was_used_is_remembered_here(open_page: OpenPage) -> None:
    page = open_page("/search/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("a/b")  # a slash in a field is a slash
    expect(page.get_by_role("searchbox")).to_have_value("a/b")
    page.locator("h1").click()
    page.get_by_role("button", name="Search").first.click()
    page.keyboard.type("a/b test")
    lesson = page.get_by_role("group", name="Lessons").get_by_role("option", name="A/B Testing")
    expect(lesson).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("combobox")).to_have_value("a/b test")  # typed while the palette was loading, too
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{LESSON}")
    page.keyboard.press("Control+k")
    recent = page.get_by_role("group", name="Recent").get_by_role("option")
    expect(recent).to_have_count(1)
    expect(recent).to_contain_text("A/B Testing")
    page.keyboard.press("Escape")


def test_the_palette_changes_the_theme_and_its_own_key(open_page: OpenPage) -> None:
    page = open_page("/", scheme="light")
    page.keyboard.press("Control+k")
    page.keyboard.type("dark")
    page.get_by_role("option", name="Use the dark theme").click()
    assert page.evaluate("document.documentElement.dataset.themeNow") == "dark"
    page.keyboard.press("Control+k")
    page.keyboard.type("shortcut")
    expect(page.get_by_role("option").first).to_contain_text("key /")
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    expect(page.locator("dialog.palette")).not_to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.locator("dialog.palette")).to_be_visible()


def test_an_exercise_offers_its_own_buttons(open_page: OpenPage) -> None:
    page = open_page(f"{LESSON}peek_safely/", user="learner")
    page.keyboard.press("Control+k")
    here = page.get_by_role("group", name="On this page").get_by_role("option")
    expect(here.first).to_contain_text("Try")
    page.keyboard.type("keyboard shortcuts")
    page.keyboard.press("Enter")
    expect(page.locator("dialog[data-keys]")).to_be_visible()


def test_signing_out_is_a_form(browser: Browser, site: Site) -> None:
    context = browser.new_context(base_url=site.url)  # a session of its own: it ends here
    page = context.new_page()
    sign_in(page, "learner", site.accounts()["learner"])
    page.keyboard.press("Control+k")
    expect(page.get_by_role("group", name="Actions").get_by_role("option")).not_to_have_count(0)
    page.keyboard.type("sign out")
    expect(page.get_by_role("option", name="Sign out")).to_have_attribute("aria-selected", "true")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, scheme: str) -> None:
    page = open_page("/search/?q=memory", scheme=scheme)
    check_axe(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_be_visible()
    check_axe(page)
    page.keyboard.type("memory")
    expect(page.get_by_role("group", name="In the texts")).to_be_visible()
    check_axe(page)
    page.keyboard.type("zzzzqq")
    expect(page.locator(".palette-none")).to_contain_text("Nothing found")
    check_axe(page)
    check_axe(open_page("/search/?q=zzzzqq", scheme=scheme))


def test_it_fits_a_phone(open_page: OpenPage) -> None:
    page = open_page("/search/?q=distributed+training", width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("[data-palette-open]").click()
    expect(page.get_by_role("option").first).to_be_visible()
    box = page.locator("dialog.palette").bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 360, 900)
    page.get_by_role("combobox").fill("distributed")
    expect(page.get_by_role("group", name="In the texts")).to_be_visible()
    assert page.evaluate("document.querySelector('.palette-list').scrollWidth") <= 360
    page.get_by_role("button", name="Close").click()
    expect(page.locator("[data-palette-open]")).to_be_focused()


def test_search_works_without_scripts(browser: Browser, site: Site) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.locator("header").get_by_role("link", name="Search").click()
    page.get_by_role("searchbox").fill("memory")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("results")
    page.get_by_role("navigation", name="Kinds of results").get_by_role("link", name=re.compile("Exercises")).click()
    page.locator(".search-hits a").first.click()
    assert "/lessons/01_distributed_training/" in page.url
    context.close()
