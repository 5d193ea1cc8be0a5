"""Takes the pictures of docs/screenshots/ from the real site: home, lesson, exercise passed and failed.

    python -m scripts.screenshots [folder]

Light and dark at 1280 px, light and dark at 390 px, as WebP. Needs the environments of `make setup` and Chromium.
"""

from __future__ import annotations

import base64
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, Scheme, sign_in
from tests.integration.client import exercise_files
from tests.site_process import ROOT, Site

PEEK = "09_ab_testing/peek_safely"
WIDTHS = {"": 1280, "-phone": 390}
HEIGHT = 860
QUALITY = 72


def shoot(page: Page, path: Path) -> None:
    """WebP through the DevTools protocol, which Playwright's own call does not offer."""
    page.wait_for_timeout(600)
    session = page.context.new_cdp_session(page)
    picture = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(picture["data"]))
    print(f"{path}  {path.stat().st_size / 1024:.0f} KiB", flush=True)


def home(page: Page) -> None:
    page.goto("/")


def lesson(page: Page) -> None:
    page.goto("/lessons/09_ab_testing/")
    page.locator("h2#theory-concepts, h2").nth(2).scroll_into_view_if_needed()


def learner_home(page: Page) -> None:
    page.goto("/")
    page.locator("#path").scroll_into_view_if_needed()


def run_of(folder: str, button: str, verdict: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.goto(f"/lessons/{PEEK}/")
        for name, text in exercise_files(PEEK, folder).items():
            page.get_by_role("tab", name=name).click()
            page.locator(f'[data-file="{name}"] .cm-content').click()
            page.keyboard.press("Control+a")
            page.keyboard.insert_text(text)
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.locator(".verdict-word")).to_have_text(verdict, timeout=90_000)
        page.locator(".run-panel").evaluate("e => window.scrollTo(0, e.getBoundingClientRect().top + scrollY - 120)")

    return act


PAGES: dict[str, Callable[[Page], None]] = {
    "home": home,
    "path": learner_home,
    "lesson": lesson,
    "passed": run_of("solution", "Submit", "Passed"),
    "failed": run_of("starter", "Try", "Not passed yet"),
}


def shoot_all(browser: Browser, site: Site, folder: Path) -> None:
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        for suffix, width in WIDTHS.items():
            context = browser.new_context(
                base_url=site.url,
                viewport={"width": width, "height": HEIGHT},
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            page = context.new_page()
            home(page)
            shoot(page, folder / f"home-{scheme}{suffix}.webp")
            sign_in(page, "learner", site.accounts()["learner"])
            for name, act in PAGES.items():
                if name != "home":
                    act(page)
                    shoot(page, folder / f"{name}-{scheme}{suffix}.webp")
            context.close()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rz-shots-") as state, sync_playwright() as playwright:
        site = Site(Path(state))
        site.start()
        try:
            path = shutil.which("chromium")
            shoot_all(playwright.chromium.launch(executable_path=path, args=ARGUMENTS), site, folder)
        finally:
            site.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots")
