"""What a learner sees of attempts, of the place in line, of a second run and of grading again, without a reload."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, check_axe
from tests.browser.test_main_loop import PATIENCE_MS, press, write
from tests.integration.client import exercise_files
from tests.site_process import ROOT, Site

pytestmark = [pytest.mark.browser, pytest.mark.box]
QUICK = "90_fixtures/arithmetic"
# A run that no worker here can take, so that it waits for as long as the test looks at it.
WAITING = """
from django.utils import timezone
from webapp.accounts.models import User
from webapp.catalog.models import Exercise
from webapp.submissions.models import Run, Submission

exercise, learner = Exercise.objects.get(slug="arithmetic"), User.objects.get(username="learner")
submission = Submission.objects.create(learner=learner, exercise=exercise, content_hash=exercise.content_hash)
run = Run.objects.create(kind="submission", learner=learner, submission=submission, tier="cpu", queue="cpu", seed=1,
                         queued_at=timezone.now(), memory_mb=1_000_000_000)
print("RUN", run.pk)
"""


def manage(site: Site, *argv: str) -> str:
    command = [sys.executable, "manage.py", *argv]
    done = subprocess.run(command, cwd=ROOT, env=site.env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def capped(site: Site) -> Iterator[None]:
    """The learner's class has forty attempts at the quick exercise."""
    manage(site, "cohorts", "create", "Autumn 2026")
    manage(site, "cohorts", "enrol", "autumn-2026", "learner")
    manage(site, "cohorts", "cap", "autumn-2026", QUICK, "40")
    yield
    manage(site, "cohorts", "remove", "autumn-2026", "learner")


def attempts_left(page: Page) -> int:
    found = re.search(r"(\d+) of 40 attempts left \(Autumn 2026\)", page.locator("[data-allowance]").inner_text())
    assert found is not None
    return int(found[1])


def submit(page: Page, folder: str, verdict: str) -> str:
    """Send an answer and wait for its verdict, not for an earlier run's; returns the address of the run."""
    write(page, "main.py", exercise_files(QUICK, folder)["main.py"])
    with page.expect_response(lambda answer: answer.url.endswith("/submissions/")) as sent:
        press(page, "Submit")
    run = str(sent.value.json()["url"])
    expect(page.locator(f'[data-panel] a[href="{run}"]')).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".verdict-word")).to_have_text(verdict, timeout=PATIENCE_MS)
    return run


def test_a_pass_shows_its_second_run_by_itself_and_costs_one_attempt(open_page: OpenPage, capped: None) -> None:
    page = open_page(f"/lessons/{QUICK}/", user="learner")
    before = attempts_left(page)
    submit(page, "solution", "Passed")
    expect(page.locator("[data-confirmation=confirmed]")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("[data-history] tbody tr").first).to_contain_text("Second run")
    expect(page.locator("[data-history] tbody tr").first).to_contain_text("Passed")
    expect(page.locator("[data-allowance]")).to_contain_text(f"{before - 1} of 40 attempts left")


def test_a_newer_submission_takes_the_place_of_the_one_that_waits(
    open_page: OpenPage, site: Site, capped: None
) -> None:
    waiting = manage(site, "shell", "--verbosity", "0", "-c", WAITING).split("RUN ")[1].strip()
    page = open_page(f"/lessons/{QUICK}/", user="learner")
    before = attempts_left(page)
    box = page.get_by_label("Take the place of the one that waits")
    expect(box).to_be_checked()
    check_axe(page)
    submit(page, "starter", "Not passed yet")
    expect(box).to_have_count(0)
    assert attempts_left(page) == before
    old = open_page(f"/runs/{waiting}/", user="learner")
    expect(old.locator(".verdict-word")).to_have_text("Cancelled")
    expect(old.locator(".run-message")).to_have_text("Replaced by a newer submission.")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "light")])
def test_a_learner_reads_what_grading_again_changed(
    open_page: OpenPage, site: Site, capped: None, width: int, scheme: str
) -> None:
    page = open_page(f"/lessons/{QUICK}/", user="learner", width=width, scheme=scheme)
    run = submit(page, "solution", "Passed")
    teacher = open_page(run, user="instructor", width=width, scheme=scheme)
    teacher.get_by_text("Grade again").first.click()
    check_axe(teacher)
    assert teacher.evaluate("document.documentElement.scrollWidth") <= width
    teacher.get_by_label("Reason").fill("The judge rounded down.")
    teacher.get_by_role("button", name="Grade again").click()
    expect(teacher.get_by_text("It is graded again")).to_be_visible()
    again = teacher.locator("tbody tr").filter(has_text="Graded again").get_by_role("link")
    teacher.goto(str(again.get_attribute("href")))
    expect(teacher.locator(".verdict-word")).to_have_text("Passed", timeout=PATIENCE_MS)
    for path in ("/", f"/lessons/{QUICK}/"):
        page = open_page(path, user="learner", width=width, scheme=scheme)
        expect(page.locator("[data-notice]")).to_contain_text("The judge rounded down.")
        check_axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="I have read it").click()
    expect(page).to_have_url(re.compile(f"{QUICK}/$"))
    expect(page.locator("[data-notice]")).to_have_count(0)
