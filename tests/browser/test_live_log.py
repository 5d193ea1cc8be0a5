"""The log as a page shows it: hostile lines stay text, a lost connection loses no line."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_main_loop import PATIENCE_MS, press, write

pytestmark = [pytest.mark.browser, pytest.mark.box]
EXERCISE = "/lessons/90_fixtures/arithmetic/"
HOSTILE = r"""
print('<img src=x onerror="document.title=1"><script>document.title=1</script>', flush=True)
print('\033[31mred\033[0m \033[38;2;30;200;40mgreen\033[0m \033[2Jgone \033]8;;javascript:alert(1)\007link\033]8;;\007')
print('\033[31;"onmouseover=alert(1)mtail', flush=True)
while True:
    pass
"""
SLOW = """
import time
for number in range(40):
    print('step', number, flush=True)
    time.sleep(0.05)
while True:
    pass
"""


def log_lines(page: Page) -> list[tuple[str, str]]:
    rows = page.locator("[data-log] .log-line.out")
    texts = rows.locator(".log-text").all_inner_texts()
    return list(zip(rows.evaluate_all("rows => rows.map(row => row.dataset.n)"), texts, strict=True))


def test_hostile_lines_are_text_in_known_colours(open_page: OpenPage) -> None:
    page = open_page(EXERCISE, user="learner")
    title = page.title()
    write(page, "main.py", HOSTILE.lstrip())
    press(page, "Try")
    log = page.locator("[data-log]")
    expect(log.get_by_text("alert(1)mtail")).to_be_visible(timeout=PATIENCE_MS)
    expect(log).to_contain_text('<img src=x onerror="document.title=1"><script>')
    expect(log.locator(".log-text").locator("img, script, a, [style], [onmouseover]")).to_have_count(0)
    expect(log.locator(".ansi-red").first).to_have_text("red")
    expect(log.locator(".ansi-green")).to_have_text("green")
    expect(log).to_contain_text("gone link")
    assert page.title() == title


def test_a_lost_connection_shows_every_line_once(open_page: OpenPage) -> None:
    page = open_page(EXERCISE, user="learner")
    opened: list[str] = []

    def cut_twice(route: WebSocketRoute) -> None:
        """The first two connections are lost in the middle of the lines."""
        server = route.connect_to_server()
        opened.append(route.url)

        def pass_on(message: str | bytes) -> None:
            route.send(message)
            if len(opened) < 3 and "step" in str(message):
                route.close(code=3001)
                server.close()

        server.on_message(pass_on)

    page.route_web_socket("**/ws/runs/**", cut_twice)
    write(page, "main.py", SLOW.lstrip())
    press(page, "Try")
    expect(page.locator("[data-log]").get_by_text("step 39", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    steps = [text for _, text in log_lines(page)]
    assert steps == [f"step {number}" for number in range(40)]
    assert len(opened) == 3
    assert [("after=0" in url) for url in opened] == [True, False, False]
    expect(page.locator(".verdict-word")).to_have_text("Out of time", timeout=PATIENCE_MS)
    before = log_lines(page)
    page.unroute_all()
    page.reload()
    expect(page.locator("[data-log]").get_by_text("step 39", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    assert log_lines(page) == before
