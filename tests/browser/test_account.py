"""An account from its first page to its last: sign-up, settings, a token, a second factor, the archive, deletion."""

from __future__ import annotations

import re
import zipfile
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, check_axe

pytestmark = [pytest.mark.browser, pytest.mark.box]
PASSWORD = "a long enough secret"


def check(page: Page) -> None:
    """No accessibility fault at all in either theme, one h1, nothing wider than a small phone."""
    wide = page.viewport_size or {"width": 1280, "height": 900}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        check_axe(page)
    assert page.locator("h1").count() == 1, page.url
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url
    page.set_viewport_size(wide)


def go(page: Page, path: str) -> None:
    page.goto(path)
    check(page)


def press(page: Page, name: str) -> None:
    page.locator("main").get_by_role("button", name=name, exact=True).click()


def prove(page: Page) -> None:
    """Where a page first asks who it is."""
    if "reauthenticate" in page.url:
        check(page)
        page.locator("input[name=password]").fill(PASSWORD)
        press(page, "Confirm")


def code_of(secret: str) -> str:
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time

    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


def test_an_account_from_its_first_page_to_its_last(open_page: OpenPage, tmp_path: Any) -> None:
    page = open_page("/accounts/signup/")
    check(page)
    for name, value in (("username", "hypatia"), ("email", "hypatia@example.org")):
        page.locator(f"input[name={name}]").fill(value)
    for name in ("password1", "password2"):
        page.locator(f"input[name={name}]").fill(PASSWORD)
    press(page, "Create account")
    page.wait_for_url("**/")

    go(page, "/accounts/profile/")
    page.get_by_label("Name", exact=False).first.fill("Hypatia of Alexandria")
    page.get_by_label("Theme", exact=True).select_option("dark")
    page.get_by_label("Time zone", exact=False).select_option("Africa/Cairo")
    press(page, "Save the profile")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("navigation", name="Settings").locator("[aria-current=page]")).to_have_text(
        re.compile("Profile")
    )
    page.locator("summary").first.click()
    page.locator("details[open]").get_by_text("Light", exact=True).click()
    page.wait_for_load_state("networkidle")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")  # what the menu says is kept, too

    go(page, "/accounts/tokens/")
    page.get_by_label("Name", exact=False).fill("laptop")
    press(page, "Make the token")
    token = page.locator("[data-secret]").input_value()
    check(page)
    answer = page.request.get("/api/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.json() == {"name": "hypatia", "role": "learner", "scope": "read"}
    page.get_by_role("button", name="Revoke laptop").click()
    expect(page.get_by_text("You have no tokens.")).to_be_visible()
    assert page.request.get("/api/me", headers={"Authorization": f"Bearer {token}"}).status == 401

    for path in ("email/", "password/change/"):
        go(page, f"/accounts/{path}")
    second_factor(page)

    go(page, "/accounts/data/")
    with page.expect_download() as download:
        press(page, "Download the archive")
    download.value.save_as(tmp_path / "all.zip")
    assert b"Hypatia of Alexandria" in zipfile.ZipFile(tmp_path / "all.zip").read("account/profile.json")

    page.goto("/accounts/data/delete/")
    prove(page)
    check(page)
    page.get_by_label("Your user name").fill("hypatia")
    press(page, "Delete for good")
    expect(page.get_by_text("Your account and all that was yours is deleted.")).to_be_visible()
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill("hypatia")
    page.locator("input[name=password]").fill(PASSWORD)
    press(page, "Sign in")
    expect(page.get_by_text("not correct")).to_be_visible()


def second_factor(page: Page) -> None:
    """Set one up, keep the codes, sign in with it."""
    go(page, "/accounts/2fa/")
    page.get_by_role("link", name="Set it up").click()
    prove(page)
    check(page)
    secret = page.locator(".key code").inner_text()
    assert page.locator("img.qr").evaluate("image => image.naturalWidth") > 0
    page.locator("input[name=code]").fill(code_of(secret))
    press(page, "Turn it on")
    expect(page.locator(".codes li")).to_have_count(10)
    check(page)
    spare = page.locator(".codes code").first.inner_text()
    for path in ("2fa/", "2fa/recovery-codes/generate/", "2fa/totp/deactivate/"):
        go(page, f"/accounts/{path}")
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill("hypatia")
    page.locator("input[name=password]").fill(PASSWORD)
    press(page, "Sign in")
    check(page)
    page.locator("input[name=code]").fill(spare)
    press(page, "Sign in")
    page.wait_for_url("**/")


def test_a_teacher_invites(open_page: OpenPage) -> None:
    page = open_page("/accounts/invitations/", user="instructor")
    check(page)
    page.get_by_label("E-mail", exact=False).first.fill("dora@example.org")
    press(page, "Make the invitation")
    assert "/accounts/invitation/" in page.locator("[data-secret]").input_value()
    check(page)
    page.get_by_role("button", name="Revoke").first.click()
    expect(page.get_by_text("The invitation was revoked.")).to_be_visible()


@pytest.mark.parametrize(
    "path",
    ["login/", "password/reset/", "password/reset/key/1-x/", "invitation/x/", "inactive/", "confirm-email/x/"],
)
def test_a_visitors_page(path: str, open_page: OpenPage) -> None:
    check(open_page(f"/accounts/{path}"))
