"""Chromium on the real site. Every page is watched: a console error or a request to another host fails the test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from tests.site_fixture import site  # noqa: F401  # a fixture
from tests.site_process import Site

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
# Refused forms, missing pages, a draft that is newer elsewhere, a connection that a test cut.
TESTED = ("422", "404", "409", "net::ERR_INTERNET_DISCONNECTED")
OpenPage = Callable[..., Page]
Scheme = Literal["light", "dark"]
Contrast = Literal["no-preference", "more"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "Chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield running
        running.close()


class Watch:
    """What went wrong in the pages of one test."""

    def __init__(self, address: str) -> None:
        self.address, self.faults = address, list[str]()

    def attach(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", lambda message: self.console(message.type, message.text))
        page.on("request", lambda request: self.request(request.url))

    def console(self, kind: str, text: str) -> None:
        if kind == "error" and not any(word in text for word in TESTED):
            self.faults.append(f"console: {text}")

    def request(self, url: str) -> None:
        if not url.startswith((self.address, self.address.replace("http", "ws"), "data:", "blob:")):
            self.faults.append(f"request to another host: {url}")


@pytest.fixture(scope="session")
def session_of(browser: Browser, site: Site) -> Callable[[str], StorageState]:  # noqa: F811
    """The cookies of a signed-in demo account; each signs in once."""

    @cache
    def signed_in(user: str) -> StorageState:
        context = browser.new_context(base_url=site.url)
        sign_in(context.new_page(), user, site.accounts()[user])
        state = context.storage_state()
        context.close()
        return state

    return signed_in


@pytest.fixture
def open_page(
    browser: Browser,
    site: Site,  # noqa: F811
    session_of: Callable[[str], StorageState],
) -> Iterator[OpenPage]:
    """`open_page(path, user=…, width=…, scheme=…, contrast=…)` gives a page; a user keeps one context in a test."""
    contexts: dict[tuple[str, int, str, str], BrowserContext] = {}
    watch = Watch(site.url)

    def open_it(
        path: str,
        *,
        user: str = "",
        width: int = 1280,
        scheme: Scheme = "light",
        contrast: Contrast = "no-preference",
    ) -> Page:
        key = (user, width, scheme, contrast)
        if key not in contexts:
            contexts[key] = browser.new_context(
                base_url=site.url,
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                contrast=contrast,
                reduced_motion="reduce",
                storage_state=session_of(user) if user else None,
            )
            contexts[key].set_default_timeout(10_000)
        page = contexts[key].new_page()
        watch.attach(page)
        page.goto(path)
        page.wait_for_load_state("networkidle")
        return page

    yield open_it
    for context in contexts.values():
        context.close()
    assert watch.faults == []


def check_axe(page: Page, part: str | None = None) -> None:
    """Fails on any violation of accessibility, however small, and says where; `part` names one element to look at."""
    faults = Axe().run(page, context=part).response["violations"]
    found = [(fault["id"], fault["help"], [node["html"][:160] for node in fault["nodes"][:3]]) for fault in faults]
    assert not found, (page.url, found)


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill(password)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "login" not in url)
