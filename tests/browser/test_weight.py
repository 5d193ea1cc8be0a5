"""What the first look at a page costs, with nothing kept: bytes as they came over the wire, and nothing jumps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import OpenPage
from tests.site_process import Site

pytestmark = pytest.mark.browser
LESSONS = ["/lessons/01_distributed_training/", "/lessons/09_ab_testing/"]
EXERCISE = "/lessons/09_ab_testing/peek_safely/"
MOST_BYTES = 150_000
MOST_SHIFT = 0.01
SHIFT = """() => new Promise(resolve => {
  let total = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) if (!one.hadRecentInput) total += one.value })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(total), 500);
})"""


@dataclass
class Meter:
    """Of one page's scripts and styles. `packed`: the address of each that came compressed."""

    sizes: dict[str, float] = field(default_factory=dict)
    packed: list[str] = field(default_factory=list)
    _of: dict[str, str] = field(default_factory=dict)

    def attach(self, page: Page) -> None:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.responseReceived", self.received)
        session.on("Network.loadingFinished", self.finished)

    def received(self, event: dict[str, Any]) -> None:
        if event["type"] not in ("Script", "Stylesheet"):
            return
        answer = event["response"]
        self._of[event["requestId"]] = answer["url"]
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        if headers.get("content-encoding") in ("br", "gzip"):
            self.packed.append(answer["url"])

    def finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._of:
            self.sizes[self._of[event["requestId"]]] = event["encodedDataLength"]

    @property
    def total(self) -> float:
        return sum(self.sizes.values())


@pytest.fixture
def cold(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of a browser that was never here."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def first_load(page: Page, path: str) -> Meter:
    meter = Meter()
    meter.attach(page)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    return meter


@pytest.mark.parametrize("path", LESSONS)
def test_the_first_look_at_a_lesson_is_light_and_still(cold: Page, path: str) -> None:
    meter = first_load(cold, path)
    assert 5_000 < meter.total < MOST_BYTES, meter.sizes
    large = [url for url, size in meter.sizes.items() if size > 2_000]
    assert set(large) <= set(meter.packed), "every script and style of some size comes compressed"
    assert cold.evaluate(SHIFT) <= MOST_SHIFT


def test_the_scales_tell_a_heavy_page(cold: Page, open_page: OpenPage) -> None:
    """The control: an editor weighs more than all that a lesson needs."""
    lesson = first_load(cold, LESSONS[1])
    exercise = Meter()
    page = open_page("/healthz", user="learner")
    exercise.attach(page)
    page.goto(EXERCISE)
    page.locator(".cm-content").first.wait_for()
    page.wait_for_load_state("networkidle")
    editor = [url for url in exercise.sizes if "editor" in url]
    assert editor, exercise.sizes
    assert not set(editor) & set(lesson.sizes), "a lesson fetches no editor before somebody writes"
    assert exercise.total > lesson.total


def test_a_shift_is_seen(cold: Page) -> None:
    """The control of the stillness."""
    cold.goto(LESSONS[1])
    cold.wait_for_load_state("networkidle")
    cold.evaluate("document.querySelector('main').style.paddingTop = '300px'")
    time.sleep(0.1)
    assert cold.evaluate(SHIFT) > MOST_SHIFT
