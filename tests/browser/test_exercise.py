"""The exercise page as a learner lives in it: drafts that nothing loses, runs over time, one hand on the keyboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, check_axe
from tests.browser.test_attempts import manage
from tests.browser.test_main_loop import write
from tests.site_process import Site

pytestmark = [pytest.mark.browser, pytest.mark.box]
QUICK = "/lessons/90_fixtures/arithmetic/"
PEEK = "/lessons/09_ab_testing/peek_safely/"
MAIN = '[data-file="main.py"] .cm-content'
RUNS = Path(__file__).parent / "runs_over_time.py"


@pytest.fixture(scope="module")
def past(site: Site) -> str:
    """Runs over three days at one exercise, and one of another that we failed to make; returns the latter's id."""
    return manage(site, "shell", "--verbosity", "0", "-c", RUNS.read_text()).split("RUN ")[1].strip()


def state(page: Page) -> str:
    return page.locator("[data-draft-state]").inner_text()


def saved(page: Page) -> None:
    expect(page.locator("[data-draft-state]")).to_have_text("Saved", timeout=15_000)


def test_a_draft_follows_its_writer_and_two_tabs_do_not_overwrite_each_other(open_page: OpenPage) -> None:
    first, second = open_page(QUICK, user="instructor"), open_page(QUICK, user="instructor")
    write(first, "main.py", "one = 1\n")
    saved(first)
    write(second, "main.py", "two = 2\n")
    choice = second.locator("[data-conflict]")
    expect(choice).to_be_visible(timeout=15_000)
    expect(second.locator(MAIN)).to_contain_text("two = 2")
    elsewhere = open_page(QUICK, user="instructor", scheme="dark")  # a browser that knows nothing of the others
    expect(elsewhere.locator(MAIN)).to_contain_text("one = 1")
    second.get_by_role("button", name="Keep what is here").click()
    saved(second)
    expect(choice).to_be_hidden()
    write(first, "main.py", "three = 3\n")
    expect(first.locator("[data-conflict]")).to_be_visible(timeout=15_000)
    first.get_by_role("button", name="Load the newer one").click()
    expect(first.locator(MAIN)).to_contain_text("two = 2")
    first.get_by_role("button", name="Undo").click()
    expect(first.locator(MAIN)).to_contain_text("three = 3")
    saved(first)


def test_a_lost_connection_and_a_closed_tab_lose_nothing(open_page: OpenPage) -> None:
    page = open_page(QUICK, user="instructor")
    page.context.set_offline(True)
    write(page, "main.py", "offline = True\n")
    expect(page.locator("[data-offline]")).to_be_visible(timeout=15_000)
    assert state(page) == "Offline: kept in this browser"
    page.evaluate(
        "() => { window.fetch = () => Promise.reject(new TypeError('offline')) }"
    )  # a closing page is online again
    page.close()
    context = page.context
    context.set_offline(False)
    again = open_page(QUICK, user="instructor")
    expect(again.locator(MAIN)).to_contain_text("offline = True")
    expect(again.locator("[data-draft-note]")).to_contain_text("Your unsaved text is back.")
    saved(again)
    elsewhere = open_page(QUICK, user="instructor", scheme="dark")
    expect(elsewhere.locator(MAIN)).to_contain_text("offline = True")
    again.get_by_role("button", name="Reset to the starter").click()
    again.get_by_role("button", name="Undo").click()
    expect(again.locator(MAIN)).to_contain_text("offline = True")


def test_the_keyboard_alone_is_enough(open_page: OpenPage) -> None:
    page = open_page(PEEK, user="instructor")
    page.locator("body").press("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_be_visible()
    check_axe(page)
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("Alt+2")
    expect(page.get_by_role("tab", name="simulate.py")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Alt+1")
    editor = page.locator('[data-file="decide.py"] .cm-content')
    expect(editor).to_be_focused()
    page.keyboard.type("?")  # text, not a command
    expect(keys).to_be_hidden()
    page.keyboard.press("Control+s")
    saved(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(editor).not_to_be_focused()
    page.keyboard.press("Alt+r")
    expect(page.locator("[data-run-heading]")).to_be_focused()
    page.keyboard.press("Alt+l")
    expect(page.locator("[data-log]")).to_be_focused()
    border = page.get_by_role("separator", name="Width of the task")
    border.focus()
    before = page.locator(".task").bounding_box()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(border).to_have_attribute("aria-valuenow", "46")
    after = page.locator(".task").bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] < before["width"] - 20
    page.reload()
    expect(border).to_have_attribute("aria-valuenow", "46")


def test_runs_over_time_are_drawn_and_two_versions_compared(open_page: OpenPage, past: str) -> None:
    page = open_page(PEEK, user="learner")
    page.get_by_role("link", name="All runs, charts and changes").click()
    expect(page.locator("[data-chart]")).to_have_count(3)
    assert page.locator("[data-chart=power] circle:not(.hit), [data-chart=power] .value rect").count() >= 12
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_text("Page 2 of")).to_be_visible()
    page.get_by_role("link", name="Submit", exact=True).click()
    page.locator("tbody").last.get_by_role("link", name=re.compile("Changes")).first.click()
    page.get_by_label("Old").select_option(label="The starter")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".diff-table tr.changed, .diff-table tr.added").first).to_be_visible()
    page.get_by_role("link", name="Open the new one in the editor").click()
    expect(page.locator("[data-draft-note]")).to_contain_text("An earlier version of yours")


def test_hints_come_one_at_a_time_and_stay_open(open_page: OpenPage, past: str) -> None:
    page = open_page(f"{PEEK}runs/?tier=cpu", user="learner")
    page.locator("tbody").last.get_by_role("row", name=re.compile("Not passed yet")).first.get_by_role(
        "link"
    ).first.click()
    hints = page.locator("details.hint > summary")
    expect(hints.nth(0)).to_be_visible()
    expect(hints.nth(1)).to_be_hidden()
    hints.nth(0).click()
    hints.nth(1).click()
    expect(hints.nth(2)).to_be_visible()
    page.reload()
    expect(hints.nth(2)).to_be_visible()
    expect(page.get_by_text("Use what you know.")).to_be_hidden()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "light")])
def test_its_pages_have_no_fault(open_page: OpenPage, past: str, width: int, scheme: str) -> None:
    for path in (PEEK, f"{PEEK}runs/", f"{PEEK}compare/", f"/runs/{past}/"):
        page = open_page(path, user="learner", width=width, scheme=scheme)
        check_axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    expect(page.locator("[data-our-fault]")).to_contain_text("It was tried 3 times")
    expect(page.get_by_role("button", name="Run the same files again")).to_be_visible()
