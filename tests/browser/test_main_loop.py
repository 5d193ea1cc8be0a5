"""The main job as a learner does it: sign in, write, submit, watch, read the verdict."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.integration.client import exercise_files

pytestmark = [pytest.mark.browser, pytest.mark.box]
PEEK = "09_ab_testing/peek_safely"
PATIENCE_MS = 90_000


def write(page: Page, name: str, text: str) -> None:
    """Replace a file in the editor by typing, as a person would after Ctrl-A.

    Deleted first: over a selection, Chromium inserts with the style of what was there, which the policy refuses.
    """
    page.get_by_role("tab", name=name).click()
    page.locator(f'[data-file="{name}"] .cm-content').click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)
    expect(page.locator(f'[data-file="{name}"] textarea.file-text')).to_have_value(text)


def write_all(page: Page, folder: str) -> None:
    for name, text in exercise_files(PEEK, folder).items():
        write(page, name, text)


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def test_it_submits_the_solution_then_a_wrong_answer_and_shows_both_verdicts(open_page: OpenPage) -> None:
    page = open_page(f"/lessons/{PEEK}/", user="learner")
    rows = page.locator("[data-history] tbody tr")
    second_runs = rows.filter(has_text="Second run")
    earlier = second_runs.count()  # other tests' runs of the same learner
    submits = rows.filter(has_text="Submit")
    before = submits.count()
    write_all(page, "solution")
    press(page, "Submit")
    verdict = page.locator(".verdict-word")
    expect(submits).to_have_count(before + 1)  # until then the panel shows an older run, maybe a pass
    expect(submits.first).to_contain_text("Passed", timeout=PATIENCE_MS)
    expect(verdict).to_have_text("Passed")
    expect(page.locator("[data-log]")).to_contain_text("visitors used")
    expect(page.locator(".metrics")).to_contain_text(re.compile("false positive", re.IGNORECASE))
    write_all(page, "starter")
    press(page, "Try")
    expect(verdict).to_have_text("Not passed yet", timeout=PATIENCE_MS)
    expect(page.locator(".hints details").first).to_be_visible()
    page.locator(".hints summary").first.click()
    expect(page.locator(".hints p").first).to_be_visible()
    expect(rows.nth(0)).to_contain_text("Not passed yet")
    expect(second_runs).to_have_count(earlier + 1)  # the pass had a distinction: it is made again
    expect(rows.filter(has_text="Submit").first).to_contain_text("Passed")


def test_it_streams_the_log_while_the_code_still_runs(open_page: OpenPage) -> None:
    page = open_page("/lessons/90_fixtures/arithmetic/", user="learner")
    write(page, "main.py", "print('first light', flush=True)\nwhile True:\n    pass\n")
    press(page, "Try")
    expect(page.locator("[data-log]").get_by_text("first light")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".verdict-word")).to_have_count(0)
    expect(page.locator(".verdict-word")).to_have_text("Out of time", timeout=PATIENCE_MS)


def test_it_shows_the_same_verdict_and_log_after_a_reload(open_page: OpenPage) -> None:
    page = open_page(f"/lessons/{PEEK}/", user="learner")
    write_all(page, "solution")
    press(page, "Try")
    expect(page.locator(".verdict-word")).to_have_text("Passed", timeout=PATIENCE_MS)
    before = page.locator("[data-log]").inner_text()
    page.reload()
    expect(page.locator(".verdict-word")).to_have_text("Passed")
    page.locator("[data-log-box] summary").click()
    expect(page.locator("[data-log]")).to_have_text(re.compile(re.escape(before.splitlines()[-1])), timeout=10_000)


def test_it_names_an_empty_file_at_the_field(open_page: OpenPage) -> None:
    page = open_page(f"/lessons/{PEEK}/", user="learner")
    name = next(iter(exercise_files(PEEK, "starter")))
    write(page, name, "")
    press(page, "Try")
    expect(page.locator(".errors li").first).to_be_visible()


def test_it_keeps_what_was_typed_when_the_tab_is_closed(open_page: OpenPage) -> None:
    page = open_page(f"/lessons/{PEEK}/", user="learner")
    name = next(iter(exercise_files(PEEK, "starter")))
    write(page, name, "# my precious draft\n")
    page.wait_for_timeout(800)
    page.close()
    again = open_page(f"/lessons/{PEEK}/", user="learner")
    expect(again.locator(f'[data-file="{name}"] .cm-content')).to_contain_text("my precious draft")


def test_it_runs_a_cell_and_answers_a_quiz(open_page: OpenPage) -> None:
    page = open_page("/lessons/09_ab_testing/", user="learner")
    cell = page.locator("form.cell").first
    cell.get_by_role("button", name="Run").click()
    expect(cell.locator("[data-cell-output]")).not_to_be_empty(timeout=PATIENCE_MS)
    quiz = page.locator("form.quiz", has=page.locator("input[type=radio]")).first
    quiz.locator("input[type=radio]").first.check()
    quiz.get_by_role("button").first.click()
    expect(quiz.get_by_text(re.compile("right|correct|not", re.IGNORECASE)).first).to_be_visible(timeout=10_000)
