"""Whole ways through the site: a newcomer's, from sign-up to a passed project; by keyboard alone; without scripts."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.integration.client import exercise_files
from tests.site_process import Site

pytestmark = [pytest.mark.browser, pytest.mark.box]
LESSON = "/lessons/09_ab_testing/"
PEEK = "09_ab_testing/peek_safely"
PATIENCE_MS = 120_000
SIGNS = re.compile(r"^(Correct|Not quite)\.$")


@pytest.fixture
def plain(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of a browser that runs no scripts and knows nobody."""
    context = browser.new_context(base_url=site.url, java_script_enabled=False, viewport={"width": 390, "height": 844})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def sign_up(page: Page) -> str:
    name = f"new{secrets.token_hex(4)}"
    password = secrets.token_urlsafe(12)
    page.goto("/accounts/signup/")
    for field, text in {
        "username": name,
        "email": f"{name}@example.org",
        "password1": password,
        "password2": password,
    }.items():
        page.locator(f"main input[name={field}]").fill(text)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "signup" not in url)
    return name


def solution() -> tuple[str, str]:
    return next(iter(exercise_files(PEEK, "solution").items()))


def replace_text(page: Page, text: str) -> None:
    """In the editor that has the focus. Over a selection, Chromium would insert with the style of what was there."""
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def test_a_newcomer_reads_answers_runs_and_passes_the_project(open_page: OpenPage) -> None:
    page = open_page("/")
    name = sign_up(page)
    page.goto("/")
    expect(page.locator("body")).to_contain_text(name)
    page.goto("/progress/")
    expect(page.locator(".empty").first).to_be_visible()
    page.goto(LESSON)
    quiz = page.locator("form.quiz", has=page.locator("input[type=radio]")).first
    quiz.locator("input[type=radio]").first.check()
    quiz.get_by_role("button").first.click()
    expect(quiz.locator("[data-quiz-word]")).to_have_text(SIGNS)
    cell = page.locator("form.cell").first
    cell.get_by_role("button", name="Run", exact=True).click()
    expect(cell.locator("[data-cell-output]")).not_to_be_empty(timeout=PATIENCE_MS)
    page.locator(f'main a[href="/lessons/{PEEK}/"]').first.click()
    file, text = solution()
    page.locator(f'[data-file="{file}"] .cm-content').click()
    replace_text(page, text)
    expect(page.locator(f'[data-file="{file}"] textarea.file-text')).to_have_value(text)
    press(page, "Try")
    expect(page.locator(".verdict-word")).to_have_text("Passed", timeout=PATIENCE_MS)
    press(page, "Submit")
    rows = page.locator("[data-history] tbody tr")
    expect(rows.filter(has_text="Submit").first).to_contain_text("Passed", timeout=PATIENCE_MS)
    page.goto(f"/lessons/{PEEK}/runs/")
    expect(page.locator("main tbody tr").filter(has_text="Submit").first).to_contain_text("Passed")
    page.goto("/progress/")
    expect(page.locator("#line-09_ab_testing").locator("xpath=ancestor::article")).to_contain_text("Passed")


def reach(page: Page, target: Locator, *, most: int = 120) -> None:
    """Press Tab until the focus is there, as somebody without a mouse does; Escape first where Tab indents."""
    target.first.wait_for()
    for _ in range(most):
        if target.first.evaluate("one => one === document.activeElement"):
            return
        if "cm-content" in focused(page):
            page.keyboard.press("Escape")
        page.keyboard.press("Tab")
    raise AssertionError(f"{most} times Tab do not lead to {target}; the focus is on {focused(page)}")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))


def test_all_of_it_by_keyboard_on_a_narrow_screen(open_page: OpenPage) -> None:
    page = open_page("/", width=360)
    sign_up(page)
    page.goto("/")
    reach(page, page.locator(f'main a[href="{LESSON}"]'))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{LESSON}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.keyboard.press("Tab")  # the link past the header comes first
    expect(page.locator("a.skip")).to_be_focused()
    page.goto(f"{LESSON}#exercises-challenges")
    reach(page, page.locator(f'main a[href="/lessons/{PEEK}/"]'), most=400)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{PEEK}/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    file, text = solution()
    editor = page.locator(f'[data-file="{file}"] .cm-content')
    reach(page, page.get_by_role("button", name="Try", exact=True))
    page.keyboard.press("Enter")
    verdict = page.locator(".verdict-word")
    expect(verdict).to_have_text("Not passed yet", timeout=PATIENCE_MS)
    hint = page.locator(".hints summary")
    reach(page, hint)
    page.keyboard.press("Enter")
    expect(page.locator("details.hint > p").first).to_be_visible()
    page.locator("body").evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0) }")
    reach(page, editor)
    replace_text(page, text)
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")  # leaves the editor: no trap
    assert "cm-content" not in focused(page)
    reach(page, page.get_by_role("button", name="Submit", exact=True))
    page.keyboard.press("Enter")
    expect(verdict).to_have_text("Passed", timeout=PATIENCE_MS)


def test_it_can_be_read_answered_sent_and_judged_without_scripts(plain: Page) -> None:
    sign_up(plain)
    plain.goto(LESSON)
    expect(plain.get_by_role("heading", level=1)).to_be_visible()
    quiz = plain.locator("form.quiz", has=plain.locator("input[type=radio]")).first
    quiz.locator("input[type=radio]").first.check()
    quiz.get_by_role("button").first.click()
    expect(plain.locator("[data-quiz-word]").filter(has_text=SIGNS)).to_have_count(1)
    plain.goto(f"/lessons/{PEEK}/")
    file, text = solution()
    plain.locator(f'[data-file="{file}"] textarea.file-text').fill(text)
    press(plain, "Try")
    await_verdict(plain, "Passed")
    plain.goto(f"/lessons/{PEEK}/")
    expect(plain.locator(f'[data-file="{file}"] textarea.file-text')).to_have_value(text)
    expect(plain.locator("[data-history] tbody tr").first).to_contain_text("Passed")


def await_verdict(page: Page, word: str) -> None:
    """Load the page again until it is there, as its reader does."""
    for _ in range(60):
        if page.locator(".verdict-word").count():
            break
        page.wait_for_timeout(2_000)
        page.reload()
    expect(page.locator(".verdict-word")).to_have_text(word)
