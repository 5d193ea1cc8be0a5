"""A run that was too good to be true, from the instructor's list to the learner's page."""

from __future__ import annotations

import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, check_axe
from tests.site_process import ROOT, Site

pytestmark = [pytest.mark.browser, pytest.mark.box]

# A run as a worker leaves it; no exercise can be beaten beyond physics on purpose.
ALARM = """
from django.utils import timezone
from webapp.accounts.models import User
from webapp.catalog.models import Exercise
from webapp.submissions.models import Run, Submission, SubmissionFile

exercise, learner = Exercise.objects.get(slug="peek_safely"), User.objects.get(username="learner")
submission = Submission.objects.create(learner=learner, exercise=exercise, content_hash="0" * 64)
SubmissionFile.objects.create(submission=submission, name="test.py", content="print('" + "far " * 60 + "')\\n")
metric = {"name": "false_positive_rate", "value": 0.0001, "unit": "share", "direction": "lower", "threshold": 0.065,
          "passed": True, "samples": 100, "ci95": None, "provenance": "observed", "ceiling": 0.001}
message = "false_positive_rate is 0.0001 share, but nothing below 0.001 is physically possible here."
report = {"schema": 1, "exercise": "09_ab_testing/peek_safely", "tier": "cpu", "verdict": "under_review", "score": 1.0,
          "metrics": [metric], "checks": [], "usage": {"wall_s": 1, "cpu_s": 1, "peak_memory_bytes": 1}, "seed": 1,
          "log_tail": [], "message": message}
now = timezone.now()
run = Run.objects.create(kind="submission", learner=learner, submission=submission, tier="cpu", queue="cpu",
                         status="done", verdict="under_review", seed=1, queued_at=now, started_at=now, finished_at=now,
                         report=report, score=1.0, message=message)
print("RUN", run.pk)
"""


@pytest.fixture
def alarm(site: Site) -> str:
    """The id of a run under review."""
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", ALARM]
    done = subprocess.run(command, cwd=ROOT, env=site.env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("RUN ")[1].strip()


def test_an_instructor_accepts_and_the_learner_reads_why(open_page: OpenPage, alarm: str) -> None:
    expect(open_page(f"/runs/{alarm}/", user="learner").locator(".verdict-word")).to_have_text("Under review")
    page = open_page("/", user="instructor")
    page.locator("header").get_by_role("link", name="Review").click()
    item = page.locator(f"#run-{alarm}")
    expect(item).to_contain_text("measured 0.01 %, physically at least 0.1 %")
    item.locator("summary").click()
    expect(item.locator("pre")).to_contain_text("far far")
    item.get_by_label("Reason").fill("I ran it by hand: it holds.")
    item.get_by_role("button", name="Accept the pass").click()
    expect(page.locator("table")).to_contain_text("I ran it by hand: it holds.")
    expect(item).to_have_count(0)
    learner = open_page(f"/runs/{alarm}/", user="learner")
    expect(learner.locator(".verdict-word")).to_have_text("Passed")
    expect(learner.locator("[data-review]")).to_contain_text("I ran it by hand: it holds.")
    expect(learner.locator("[data-confirmation]")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_the_list_is_for_everyone_on_every_screen(open_page: OpenPage, alarm: str, width: int, scheme: str) -> None:
    page = open_page("/review/", user="instructor", width=width, scheme=scheme)
    page.locator(f"#run-{alarm} summary").click()
    check_axe(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
