"""The lesson page in a browser: reading that is kept, quizzes, cells, widgets."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, check_axe

pytestmark = [pytest.mark.browser, pytest.mark.box]
AB = "/lessons/09_ab_testing/"
ZERO = "/lessons/01_distributed_training/"
FIXTURES = "/lessons/90_fixtures/"
PATIENCE_MS = 90_000


def widget_of(page: Page) -> None:
    page.locator(".widget").first.evaluate("element => element.scrollIntoView()")
    page.locator(".widget-drawing svg *").first.wait_for(state="attached", timeout=30_000)


def test_reading_is_marked_and_kept_for_a_visitor(open_page: OpenPage) -> None:
    page = open_page(AB)
    page.locator("#why-looking-costs").evaluate("element => element.scrollIntoView()")
    here = page.locator(".toc-side a[aria-current=location]")
    expect(here).to_have_text(re.compile("Why looking costs"))
    page.locator("#theory-concepts").evaluate("element => element.scrollIntoView()")
    expect(page.locator("[data-reading-text]")).to_be_visible(timeout=20_000)
    expect(page.locator(".toc-side a[data-read]").first).to_contain_text("(read)")
    page.reload()
    expect(page.locator("[data-reading-text]")).to_be_visible()
    page.locator("[data-resume-link]").click(timeout=30_000)
    assert page.evaluate("scrollY") > 300


def test_reading_is_kept_for_an_account_when_the_page_is_left(open_page: OpenPage) -> None:
    page = open_page(AB, user="learner")
    page.locator("#best-practices").evaluate("element => element.scrollIntoView()")
    expect(page.locator(".toc-side a[aria-current=location]")).to_have_text(re.compile("Best Practices"))
    with page.expect_response(lambda answer: answer.url.endswith(f"{AB}read")) as sent:
        page.evaluate("dispatchEvent(new Event('pagehide'))")
    assert sent.value.status == 200
    again = open_page(AB, user="learner")
    expect(again.locator("[data-resume-link]")).to_have_text("Best Practices")


def test_a_quiz_is_answered_in_place_and_shown_again(open_page: OpenPage) -> None:
    page = open_page(FIXTURES, user="learner")
    quiz = page.locator("#quiz-one-plus-one")
    quiz.get_by_role("textbox").fill("3")
    quiz.get_by_role("textbox").press("Enter")
    expect(quiz.locator("[data-quiz-word]")).to_have_text("Not quite.")
    quiz.get_by_role("textbox").fill("2")
    quiz.get_by_role("button", name="Check again").click()
    expect(quiz.locator("[data-quiz-word]")).to_have_text("Correct.")
    expect(page.locator("[data-quiz-tally]")).to_have_text("1 of 1 quiz right")
    page.reload()
    expect(quiz.get_by_role("textbox")).to_have_value("2")
    expect(quiz).to_contain_text("Two.")


def test_a_cell_is_edited_kept_run_with_those_above_and_reset(open_page: OpenPage) -> None:
    page = open_page(FIXTURES, user="learner")
    first, second = page.locator("form.cell").nth(0), page.locator("form.cell").nth(1)
    first.scroll_into_view_if_needed()
    first.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("count = 41")
    page.wait_for_timeout(600)
    page.reload()
    expect(first.locator("textarea")).to_have_value("count = 41")
    second.get_by_role("button", name="Run all above").click()
    expect(first.locator("[data-cell-status]")).to_have_text("Done.", timeout=PATIENCE_MS)
    expect(second.locator("[data-cell-output]")).to_contain_text("42", timeout=PATIENCE_MS)
    first.get_by_role("button", name="Reset").click()
    expect(first.locator("textarea")).to_have_value(re.compile("count = 20"))
    expect(first.get_by_role("button", name="Reset")).to_be_hidden()


def test_a_cell_can_be_stopped_by_keyboard_and_is_started_by_it(open_page: OpenPage) -> None:
    page = open_page(FIXTURES, user="learner")
    cell = page.locator("form.cell").first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("print('begun', flush=True)\nwhile True:\n    pass")
    page.keyboard.press("Shift+Enter")
    expect(cell.locator("[data-cell-output]")).to_contain_text("begun", timeout=PATIENCE_MS)
    stop = cell.get_by_role("button", name="Stop")
    stop.focus()
    page.keyboard.press("Enter")
    expect(cell.locator("[data-cell-status]")).to_have_text("Stopped.", timeout=PATIENCE_MS)
    expect(stop).to_be_hidden()
    cell.get_by_role("button", name="Reset").click()
    page.wait_for_timeout(600)


def test_the_memory_widget_answers_to_the_keyboard_at_360_pixels(open_page: OpenPage) -> None:
    page = open_page(ZERO, width=360)
    widget_of(page)
    check_axe(page)
    widget = page.locator(".widget").first
    says = widget.locator(".widget-says p").first
    expect(says).to_contain_text("does not fit. Stage 1 does, with 38.5 GB.")
    widget.get_by_label("Stage").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(says).to_contain_text("need 26.3 GB a rank: that fits. Stage 1 does already")
    widget.get_by_role("slider", name="Ranks").focus()
    page.keyboard.press("ArrowRight")
    expect(widget.get_by_role("spinbutton", name="Ranks")).to_have_value("16")
    expect(widget.locator("tr[aria-current]")).to_contain_text("20.1 GB")
    expect(widget.get_by_role("status")).to_contain_text("20.1 GB")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_peeking_widget_shows_the_published_rates(open_page: OpenPage) -> None:
    page = open_page(AB)
    widget_of(page)
    widget = page.locator(".widget").first
    row = widget.get_by_role("row", name="Peeking")
    expect(row).to_contain_text("19.3 %")
    simulated = row.locator("td").nth(1).inner_text()
    widget.get_by_role("spinbutton", name="Looks").fill("5")
    expect(row).to_contain_text("14.2 %")
    widget.get_by_role("spinbutton", name="Looks").fill("10")
    widget.get_by_role("button", name="Draw new experiments").click()
    expect(row.locator("td").nth(1)).not_to_have_text(simulated)


def test_headings_can_be_linked_and_code_can_be_wide(open_page: OpenPage) -> None:
    page = open_page(AB)
    page.get_by_role("heading", name="Why looking costs").get_by_role("link").click(
        timeout=30_000
    )  # all formulas are drawn meanwhile
    assert page.url.endswith("#why-looking-costs")
    before = page.locator("form.cell").first.bounding_box()
    page.get_by_role("button", name="Wide code").click()
    after = page.locator("form.cell").first.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > before["width"] + 100
