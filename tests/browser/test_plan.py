"""A study plan from the choice to the calendar, and the hardware page: by keyboard, without script, on a phone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from playwright.sync_api import Browser, Page

from tests.browser.conftest import OpenPage, check_axe
from tests.site_process import Site

pytestmark = [pytest.mark.browser, pytest.mark.box]


def assert_fits(page: Page) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").count() == 1


def test_from_a_pace_to_dated_steps_and_a_calendar(open_page: OpenPage) -> None:
    page = open_page("/plan/", user="learner")
    check_axe(page)
    page.get_by_role("link", name="See the days (Your own)").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/plan/new/**")
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert page.get_by_label("Time zone").input_value() == zone
    page.get_by_label("First day").fill(str(date.today() - timedelta(days=20)))  # noqa: DTZ011  # as the browser's
    page.get_by_role("button", name="Show its days").click()
    page.get_by_text("Week 1", exact=True).wait_for()
    check_axe(page)
    page.get_by_role("button", name="Keep this plan").click()
    page.wait_for_url("**/plan/")

    tick = page.get_by_role("button", name="Tick as done").first
    name = (tick.get_attribute("aria-label") or "").removeprefix("Tick as done: ")
    tick.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"Take back the tick: {name}").wait_for()
    assert page.get_by_text("from earlier days").count() == 1
    page.get_by_role("button", name="Move the rest from today").click()
    page.get_by_text("The open steps have new days").wait_for()
    assert page.get_by_text("from earlier days").count() == 0
    assert page.locator(".plan-step.late").count() == 0
    check_axe(page)

    address = page.get_by_label("Address", exact=True).input_value()
    answer = page.request.get(address)
    events = Calendar.from_ical(answer.body()).events
    assert len(events) == page.locator(".plan-step:not(.planned)").count()
    page.get_by_role("button", name="Make a new address").click()
    page.get_by_text("The calendar has a new address").wait_for()
    assert page.request.get(address).status == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_it_is_accessible_and_fits_a_phone(open_page: OpenPage, scheme: Any) -> None:
    paths = [("/plan/", ""), ("/plan/new/?kind=intensive", ""), ("/hardware/", ""), ("/hardware/", "learner")]
    for path, user in [*paths, ("/plan/", "learner")]:
        page = open_page(path, user=user, width=360, scheme=scheme)
        check_axe(page)
        assert_fits(page)


def test_it_works_without_script(browser: Browser, site: Site, session_of: Any) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False, storage_state=session_of("instructor"))
    page = context.new_page()
    page.goto("/plan/new/?kind=full_time")
    page.get_by_role("button", name="Keep this plan").click()
    page.get_by_role("button", name="Tick as done").first.click()
    assert page.get_by_role("button", name="Take back the tick").count() == 1
    page.locator(".plan-move summary").first.click()
    page.get_by_label("New day").first.fill("2027-03-03")
    page.get_by_role("button", name="Move", exact=True).first.click()
    assert page.get_by_text("Wed 3 Mar").count() >= 1
    page.get_by_text("Another plan, or none").click()
    page.get_by_role("button", name="Stop this plan").click()
    assert page.get_by_text("The plan has ended.").count() == 1
    context.close()
