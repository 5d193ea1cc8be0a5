"""Takes pictures of the real site.

    python -m scripts.screenshots [folder]

Into a folder: every page, light and dark, at 1280 px and 390 px. Without one: the dozen of docs/screenshots/, where
what is no longer taken is removed. WebP. Needs the environments of `make setup` and Chromium.
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
Act = Callable[[Page], None]


def shoot(page: Page, path: Path) -> None:
    """WebP through the DevTools protocol, which Playwright's own call does not offer."""
    page.wait_for_timeout(600)
    session = page.context.new_cdp_session(page)
    picture = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(picture["data"]))
    print(f"{path}  {path.stat().st_size / 1024:.0f} KiB", flush=True)


def at(path: str, scroll_to: str = "") -> Act:
    def act(page: Page) -> None:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        if scroll_to:
            top = "e => window.scrollTo(0, e.getBoundingClientRect().top + scrollY - 110)"
            page.locator(scroll_to).first.evaluate(top)

    return act


def run_of(folder: str, button: str, verdict: str) -> Act:
    def act(page: Page) -> None:
        page.goto(f"/lessons/{PEEK}/")
        for name, text in exercise_files(PEEK, folder).items():
            page.get_by_role("tab", name=name).click()
            page.locator(f'[data-file="{name}"] .cm-content').click()
            page.keyboard.press("Control+a")
            page.keyboard.press("Delete")
            page.keyboard.insert_text(text)
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.locator(".verdict-word")).to_have_text(verdict, timeout=90_000)
        page.locator(".run-panel").evaluate("e => window.scrollTo(0, e.getBoundingClientRect().top + scrollY - 120)")

    return act


# Seen by whoever is not signed in, then by a learner with a pass and a fail.
VISITOR: dict[str, Act] = {
    "home": at("/"),
    "visitor-lesson": at("/lessons/01_distributed_training/"),
    "sign-in": at("/accounts/login/"),
    "sign-up": at("/accounts/signup/"),
}
LEARNER: dict[str, Act] = {
    "passed": run_of("solution", "Submit", "Passed"),
    "failed": run_of("starter", "Try", "Not passed yet"),
    "exercise": at(f"/lessons/{PEEK}/"),
    "runs": at(f"/lessons/{PEEK}/runs/"),
    "learner": at("/"),
    "path": at("/", "#path"),
    "lesson": at("/lessons/09_ab_testing/"),
    "formulas": at("/lessons/09_ab_testing/", ".math.block"),
    "cell": at("/lessons/09_ab_testing/", "form.cell"),
    "widget": at("/lessons/09_ab_testing/", ".widget"),
    "progress": at("/progress/"),
    "plans": at("/plan/new/?kind=part_time"),
    "hardware": at("/hardware/"),
    "search": at("/search/?q=peeking"),
    "profile": at("/accounts/profile/"),
    "tokens": at("/accounts/tokens/"),
    "data": at("/accounts/data/"),
    "missing": at("/lessons/99_nothing/"),
}
PAGES = VISITOR | LEARNER
KEPT = frozenset(
    {
        "home-light", "home-dark", "learner-light", "path-light-phone", "lesson-light", "lesson-dark", "widget-light",
        "passed-light", "passed-dark-phone", "failed-dark", "progress-light", "search-dark",
    }
)  # fmt: skip


def shoot_all(browser: Browser, site: Site, folder: Path, wanted: frozenset[str]) -> None:
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
            page.set_default_timeout(60_000)
            for name, act in PAGES.items():
                if name == next(iter(LEARNER)):
                    sign_in(page, "learner", site.accounts()["learner"])
                picture = f"{name}-{scheme}{suffix}"
                if picture in wanted or (
                    name == "passed" and scheme == "light" and not suffix
                ):  # what passed is shown on other pages, too
                    act(page)
                if picture in wanted:
                    shoot(page, folder / f"{picture}.webp")
            context.close()


def main(folder: Path, wanted: frozenset[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rz-shots-") as state, sync_playwright() as playwright:
        site = Site(Path(state))
        site.start()
        try:
            path = shutil.which("chromium")
            shoot_all(playwright.chromium.launch(executable_path=path, args=ARGUMENTS), site, folder, wanted)
        finally:
            site.stop()


def keep(folder: Path) -> None:
    """The dozen of the documentation; what is no longer one of them goes."""
    main(folder, KEPT)
    for path in folder.glob("*.webp"):
        if path.stem not in KEPT:
            path.unlink()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        names = [f"{name}-{scheme}{suffix}" for name in PAGES for scheme in ("light", "dark") for suffix in WIDTHS]
        main(Path(sys.argv[1]), frozenset(names))
    else:
        keep(ROOT / "docs" / "screenshots")
