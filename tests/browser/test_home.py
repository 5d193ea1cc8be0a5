"""Home and progress as people use them: without scripts, by keyboard, on a phone."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import OpenPage, Scheme, check_axe
from tests.site_process import Site

pytestmark = [pytest.mark.browser, pytest.mark.box]
DRESSES: list[tuple[Scheme, Literal["more", "no-preference"], int]] = [
    ("light", "no-preference", 1280),
    ("dark", "no-preference", 360),
    ("light", "more", 360),
    ("dark", "more", 1280),
]
LESSONS = 11  # of the map: ten and the capstone


@pytest.mark.parametrize(("path", "user"), [("/", ""), ("/", "learner"), ("/progress/", "learner")])
def test_it_has_no_fault_and_fits_in_every_dress(open_page: OpenPage, path: str, user: str) -> None:
    page = open_page(path, user=user)
    for scheme, contrast, width in DRESSES:
        page.emulate_media(color_scheme=scheme, contrast=contrast)
        page.set_viewport_size({"width": width, "height": 900})
        check_axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("width", [1280, 360])
def test_the_map_is_drawn_without_scripts_and_its_lines_meet_the_lessons(
    browser: Browser, site: Site, width: int
) -> None:
    context = browser.new_context(
        base_url=site.url, viewport={"width": width, "height": 900}, java_script_enabled=False
    )
    page = context.new_page()
    page.goto("/")
    drawing = page.locator(".map-wide" if width > 1000 else ".map-tall")
    expect(drawing).to_be_visible()
    expect(page.locator(".map svg:visible").filter(has=page.locator("path.open, path.planned"))).to_have_count(1)
    assert page.locator(".map .node:visible").count() == LESSONS
    context.close()
    meets_dots(browser, site, width)


def meets_dots(browser: Browser, site: Site, width: int) -> None:
    """Every line begins in the middle of one dot and ends in the middle of another."""
    context = browser.new_context(base_url=site.url, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto("/")
    farthest = page.evaluate(
        """() => {
          const dots = [...document.querySelectorAll(".map .node .dot")].map((dot) => dot.getBoundingClientRect());
          const middles = dots.map((box) => [box.left + box.width / 2, box.top + box.height / 2]);
          const drawing = [...document.querySelectorAll(".map > svg")].find((svg) => svg.getClientRects().length);
          const ends = [...drawing.querySelectorAll("path")].flatMap((path) => {
            const at = (length) => path.getPointAtLength(length).matrixTransform(path.getScreenCTM());
            return [at(0), at(path.getTotalLength())];
          });
          const off = ends.map(({ x, y }) => Math.min(...middles.map(([mx, my]) => Math.hypot(mx - x, my - y))));
          return Math.max(...off);
        }"""
    )
    context.close()
    assert farthest < 2.5  # px


def test_no_words_of_the_map_overlap(open_page: OpenPage) -> None:
    page = open_page("/")
    for width in (1280, 1000, 360):
        page.set_viewport_size({"width": width, "height": 900})
        overlaps = page.evaluate(
            """() => {
              const boxes = [...document.querySelectorAll(".map h3, .map .node-text")].map((one) => ({
                text: one.textContent.trim().slice(0, 20), box: one.getBoundingClientRect() }));
              return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
                a.box.left < b.box.right - 1 && b.box.left < a.box.right - 1 &&
                a.box.top < b.box.bottom - 1 && b.box.top < a.box.bottom - 1).map((b) => [a.text, b.text]));
            }"""
        )
        assert overlaps == [], width


def test_the_map_is_walked_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("/")
    links = page.locator(".map a.node-title")
    links.first.focus()
    for place in range(1, links.count()):
        page.keyboard.press("Tab")
        expect(links.nth(place)).to_be_focused()
    links.first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/lessons/01_distributed_training/")
