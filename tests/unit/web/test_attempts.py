"""What costs an attempt, and what happens at the last one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from lessons.loader import Exercise as Content
from tests.unit.web.lessons import ANSWER, LESSON, SLUG
from tests.unit.web.test_cohorts import cohort_of
from tests.unit.web.test_run_views import EXERCISE
from webapp.accounts.models import User
from webapp.catalog.services import exercise_mirror
from webapp.submissions import queue, services
from webapp.submissions.attempts import attempts_text, attempts_used
from webapp.submissions.models import Run, Submission, Verdict

Submit = Callable[..., Run]
AsUser = Callable[[User], Client]
pytestmark = pytest.mark.usefixtures("woken")


@pytest.fixture
def capped(learner: User, content: Content) -> Callable[[int], None]:
    """Gives the learner so many attempts."""

    def cap(attempts: int) -> None:
        cohort_of("Autumn 2026", learner, exercise=exercise_mirror(content), attempts=attempts)

    return cap


@pytest.fixture
def used(learner: User, content: Content) -> Callable[[], int]:
    return lambda: attempts_used(learner, content.manifest.id)


def finish(run: Run, verdict: str) -> Run:
    claimed = queue.run_claim(queue=run.queue, worker="w")
    assert claimed is not None
    assert claimed.pk == run.pk
    queue.run_finish(run=claimed, verdict=verdict)
    run.refresh_from_db()
    return run


@pytest.mark.parametrize(
    ("verdict", "cost"), [(one, 0 if one in (Verdict.INFRA_ERROR, Verdict.CANCELLED) else 1) for one in Verdict]
)
def test_a_verdict_of_ours_or_none_costs_nothing(
    verdict: str, cost: int, submit: Submit, learner: User, used: Callable[[], int]
) -> None:
    finish(submit(learner, "cpu"), verdict)
    assert used() == cost


def test_an_open_run_reserves_its_attempt(submit: Submit, learner: User, used: Callable[[], int]) -> None:
    run = submit(learner, "cpu")
    assert used() == 1
    services.run_cancel(run=run)
    assert used() == 0


def test_a_try_costs_nothing(
    submit: Submit, learner: User, used: Callable[[], int], capped: Callable[[int], None]
) -> None:
    capped(1)
    finish(submit(learner, "cpu"), Verdict.FAILED)
    finish(submit(learner, "smoke"), Verdict.FAILED)
    assert used() == 1


def test_a_second_run_and_another_learners_run_cost_nothing(
    submit: Submit, learner: User, peer: User, used: Callable[[], int]
) -> None:
    first = finish(submit(learner, "cpu"), Verdict.PASSED)
    assert services.confirmation_create(run=first) is not None
    submit(peer, "cpu")
    assert used() == 1


def test_the_last_attempt_is_the_last(
    submit: Submit, learner: User, peer: User, capped: Callable[[int], None], content: Content
) -> None:
    capped(2)
    for _ in range(2):
        submit(learner, "cpu")
    with pytest.raises(ValidationError) as caught:
        submit(learner, "cpu")
    text = caught.value.message_dict["tier"][0]
    assert text.startswith("All 2 attempts at this exercise are used (Autumn 2026).")
    assert "Try still works" in text
    assert Submission.objects.count() == 2
    submit(learner, "smoke")
    submit(peer, "cpu")  # in no cohort


def test_an_attempt_that_we_lost_is_given_back(submit: Submit, learner: User, capped: Callable[[int], None]) -> None:
    capped(1)
    finish(submit(learner, "cpu"), Verdict.INFRA_ERROR)
    submit(learner, "cpu")


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_at_the_last_attempt_one_is_refused(
    learner: User, content: Content, capped: Callable[[int], None]
) -> None:
    capped(3)
    barrier = threading.Barrier(6)

    def click(number: int) -> str:
        barrier.wait()
        try:
            services.submission_create(learner=learner, exercise=content, files=ANSWER, tier="cpu")
        except ValidationError:
            return "refused"
        finally:
            connection.close()
        return "taken"

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(click, range(6)))
    assert answers == ["refused"] * 3 + ["taken"] * 3
    assert Run.objects.count() == 3


def test_the_page_says_what_is_left(
    submit: Submit, learner: User, peer: User, as_user: AsUser, capped: Callable[[int], None], content: Content
) -> None:
    capped(5)
    assert attempts_text(learner, content.manifest.id) == "5 of 5 attempts left (Autumn 2026)"
    for _ in range(3):
        submit(learner, "cpu")
    for path in (EXERCISE, f"{EXERCISE}allowance/"):
        text = as_user(learner).get(path).content.decode()
        assert "2 of 5 attempts left (Autumn 2026)" in text, path
        assert "unlimited" not in text
    plain = as_user(peer).get(EXERCISE).content.decode()
    assert "attempts left" not in plain


def test_the_form_is_refused_at_its_field(
    submit: Submit, learner: User, as_user: AsUser, capped: Callable[[int], None]
) -> None:
    capped(1)
    submit(learner, "cpu")
    fields: dict[str, Any] = {f"file:{name}": text for name, text in ANSWER.items()} | {"tier": "cpu"}
    path = f"/lessons/{LESSON}/{SLUG}/submissions/"
    answer = as_user(learner).post(path, fields, headers={"accept": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"]["tier"][0].startswith("The one attempt at this exercise is used")
    plain = as_user(learner).post(path, fields)
    assert plain.status_code == 422
    assert "The one attempt" in plain.content.decode()
