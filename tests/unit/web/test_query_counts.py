"""Every page asks the database equally often, however much there is: for one run of a learner and for thirty."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.unit.web.conftest import make_user
from tests.unit.web.lessons import LESSON, SLUG
from tests.unit.web.reports import report
from webapp.accounts.models import User
from webapp.catalog.course import course
from webapp.catalog.models import QuizAnswer, Reading
from webapp.catalog.services import catalog_sync
from webapp.learning.plans import plan_save
from webapp.learning.plans_forms import PlanForm, usual
from webapp.submissions.models import Run, Status, Submission

EXERCISE = f"/lessons/{LESSON}/{SLUG}/"
# Address → what it may cost at most: its session and user, and one query a kind of row that it shows.
PAGES = {
    "/": 16,
    f"/lessons/{LESSON}/": 12,
    EXERCISE: 24,
    f"{EXERCISE}history/": 8,
    f"{EXERCISE}runs/": 10,
    "/progress/": 16,
    "/search/?q=number": 10,
    "/plan/": 14,
    "/hardware/": 10,
    "/accounts/profile/": 12,
    "/accounts/tokens/": 8,
}
SubmitAs = Callable[..., Run]


@pytest.fixture
def synced(db: None) -> None:
    catalog_sync()


def live_a_while(user: User, submit: SubmitAs, runs: int, *, hours: int) -> None:
    """So many submissions that did not pass."""
    for number in range(runs):
        run = submit(user, "cpu")
        at = timezone.now() - timedelta(hours=hours, minutes=-number)
        failed = report("failed", score=0.4).model_dump(mode="json", by_alias=True)
        values = {"status": Status.DONE, "verdict": "failed", "score": 0.4, "report": failed, "created_at": at}
        Run.objects.filter(pk=run.pk).update(**values, started_at=at, finished_at=at + timedelta(seconds=3))
        Submission.objects.filter(pk=run.submission_id).update(created_at=at)


def read(user: User, lessons: int) -> None:
    for lesson in course().lessons[-lessons:]:
        Reading.objects.get_or_create(user=user, lesson=lesson.slug, defaults={"sections": ["theory-concepts"]})
        answer = {"answer": "1", "correct": True, "was_correct": True}
        QuizAnswer.objects.get_or_create(user=user, lesson=lesson.slug, quiz="half", defaults=answer)


def queries(client: Client, path: str) -> list[str]:
    client.get(path)  # what a process keeps (lessons, content types) is kept from now on
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    assert answer.status_code == 200, path
    return [query["sql"] for query in captured]


@pytest.mark.usefixtures("woken", "synced")
def test_no_page_asks_more_often_for_more_rows(
    learner: User, peer: User, submit: SubmitAs, as_user: Callable[[User], Client]
) -> None:
    client = as_user(learner)
    form = PlanForm("custom", usual("custom"))
    assert form.is_valid(), form.errors
    plan_save(user=learner, **form.fields_of_plan())
    live_a_while(learner, submit, 1, hours=90)
    read(learner, 1)
    few = {path: queries(client, path) for path in PAGES}
    live_a_while(learner, submit, 29, hours=80)
    live_a_while(peer, submit, 10, hours=80)
    read(learner, 11)
    many = {path: queries(client, path) for path in PAGES}
    for path, allowed in PAGES.items():
        grown = [sql[:300] for sql in many[path] if sql not in few[path]]
        assert len(many[path]) == len(few[path]), f"{path} asks more often: {grown}"
        assert len(many[path]) <= allowed, f"{path} asks {len(many[path])} times"


@pytest.mark.usefixtures("woken", "synced")
def test_the_review_list_asks_equally_often_for_one_and_for_many(
    learner: User, instructor: User, submit: SubmitAs, as_user: Callable[[User], Client]
) -> None:
    client = as_user(instructor)
    under_review(learner, submit, 1)
    few = queries(client, "/review/")
    for number in range(6):
        under_review(make_user(f"learner{number}"), submit, 2)
    assert len(queries(client, "/review/")) == len(few)


def under_review(user: User, submit: SubmitAs, count: int) -> None:
    live_a_while(user, submit, count, hours=50)
    Run.objects.filter(learner=user).update(verdict="under_review")


@pytest.mark.usefixtures("woken", "synced")
def test_the_count_sees_a_query_a_row(learner: User, submit: SubmitAs) -> None:
    """The control: a page that reads row by row would be found."""
    live_a_while(learner, submit, 5, hours=10)
    with CaptureQueriesContext(connection) as captured:
        assert [run.submission.exercise.slug for run in Run.objects.all() if run.submission] == [SLUG] * 5
    assert len(captured) > 5
