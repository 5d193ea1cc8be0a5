"""A real browser's open page comes to show the truth by itself, whatever ended beneath it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.chaos.arena import Arena
from tests.chaos.crowd import Crowd, Flow, Learner

pytestmark = [pytest.mark.box, pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
SLOW = {"main.py": "def mood():\n    return 'slow'\n"}  # five seconds


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "Chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield running
        running.close()


def open_run(browser: Browser, learner: Learner, run: str) -> Page:
    """The page of a run that goes on, marked: a reload would lose the mark."""
    context = browser.new_context(base_url=learner.site.url)
    context.add_cookies([{"name": "sessionid", "value": learner.cookies["sessionid"], "url": learner.site.url}])
    page = context.new_page()
    page.goto(f"/runs/{run}/")
    page.evaluate("window.chaosMark = 1")
    return page


@pytest.mark.parametrize("part", ["web", "valkey", "worker"])
def test_it_shows_the_end_without_a_reload(arena: Arena, crowd: Crowd, browser: Browser, part: str) -> None:
    flow, learner = Flow(), crowd.learners[0]
    run = learner.submit(flow, "91_chaos/moody", SLOW)
    page = open_run(browser, learner, run)
    arena.await_true(lambda: arena.holds_run(run), 60, "the run never began")
    arena.kill(part)
    rows = arena.check(flow)
    assert [row.verdict for row in rows] == ["passed"]
    page.locator("main").get_by_text("Passed", exact=False).first.wait_for(timeout=30_000)
    assert page.evaluate("window.chaosMark") == 1
    page.context.close()
