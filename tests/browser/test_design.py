"""What holds for the whole design: nothing moves while a page loads, the policy blocks nothing, paper shows all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenPage, check_axe

pytestmark = [pytest.mark.browser, pytest.mark.box]
LESSON, EXERCISE = "/lessons/09_ab_testing/", "/lessons/09_ab_testing/peek_safely/"
SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const shift of list.getEntries()) sum += shift.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 500);
})"""


@pytest.mark.parametrize("path", ["/", LESSON, EXERCISE])
def test_nothing_moves_while_a_page_loads(open_page: OpenPage, path: str) -> None:
    page = open_page(path, user="learner")
    assert page.evaluate(SHIFTS) < 0.001
    page.evaluate("document.querySelector('main').prepend(Object.assign(document.createElement('hr'), {height: 200}))")
    page.evaluate("document.querySelector('main hr').style.height = '200px'")
    assert page.evaluate(SHIFTS) > 0.001  # the control: what moves is counted


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_diagram_keeps_its_styles_under_the_policy(open_page: OpenPage, scheme: str) -> None:
    page = open_page(LESSON, scheme=scheme)
    page.locator(".mermaid").first.scroll_into_view_if_needed()
    shape = page.locator(".mermaid svg .node :is(rect, polygon, path)").first
    shape.wait_for(timeout=20_000)
    colours = "(shape) => [getComputedStyle(shape).fill, getComputedStyle(shape).stroke]"
    soft, accent = (
        ("rgb(235, 238, 252)", "rgb(44, 67, 196)") if scheme == "light" else ("rgb(29, 36, 67)", "rgb(154, 171, 255)")
    )
    assert shape.evaluate(colours) == [soft, accent]
    assert page.locator("[data-kept-style], [data-kept-sheet]").count() == 0


@pytest.mark.parametrize(("scheme", "contrast"), [("light", "no-preference"), ("dark", "more")])
def test_the_style_page_has_no_fault(open_page: OpenPage, scheme: str, contrast: str) -> None:
    page = open_page("/styleguide", user="instructor", scheme=scheme, contrast=contrast)
    assert page.locator(".swatch").count() > 60
    assert page.locator(".swatch .num", has_text="?").count() == 0
    check_axe(page)
    page.get_by_role("button", name="Open a dialog").press("Enter")
    check_axe(page, ".dialog")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "Open a dialog"


def test_paper_shows_the_lesson_alone_and_all_of_it(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(LESSON, scheme="dark")
    page.emulate_media(media="print")
    for gone in (".site-header", ".site-footer", ".toc-side", ".cell-bar", ".quiz .row"):
        assert not page.locator(gone).first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    cut = "(all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1).length"
    assert page.locator("pre.highlight").evaluate_all(cut) == 0
    assert page.locator(".cell .cm-scroller, .cell textarea:not([hidden])").evaluate_all(cut) == 0
    page.pdf(path=tmp_path / "lesson.pdf", format="A4")
    assert (tmp_path / "lesson.pdf").stat().st_size > 50_000
