"""A newer submission takes the place in line of the learner's own waiting one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from lessons.loader import Exercise as Content
from tests.unit.web.lessons import ANSWER, LESSON, SLUG
from tests.unit.web.test_cohorts import cohort_of
from tests.unit.web.test_run_views import EXERCISE
from webapp.accounts.models import User
from webapp.catalog.services import exercise_mirror
from webapp.submissions import queue, services
from webapp.submissions.models import Run, Status, Verdict

Submit = Callable[..., Run]
AsUser = Callable[[User], Client]
BOX = 'name="replace"'
pytestmark = pytest.mark.usefixtures("woken")


@pytest.fixture
def replace(content: Content) -> Callable[..., Run]:
    def submit_instead(user: User, tier: str = "cpu") -> Run:
        return services.submission_create(learner=user, exercise=content, files=ANSWER, tier=tier, replace=True)

    return submit_instead


def state(run: Run) -> tuple[str, str, str]:
    run.refresh_from_db()
    return run.status, run.verdict, run.message


def drain(tier: str = "cpu") -> list[Run]:
    """All waiting runs in the order in which they are claimed."""
    runs = []
    while (run := queue.run_claim(queue=tier, worker="w")) is not None:
        runs.append(run)
        queue.run_finish(run=run, verdict=Verdict.FAILED)
    return runs


def test_it_stands_where_the_old_one_stood(
    submit: Submit, replace: Callable[..., Run], learner: User, peer: User, outsider: User
) -> None:
    submit(peer, "cpu")
    old = submit(learner, "cpu")
    submit(outsider, "cpu")
    new = replace(learner)
    assert state(old) == (Status.CANCELLED, Verdict.CANCELLED, queue.REPLACED_TEXT)
    assert [run.learner_id for run in drain()] == [peer.pk, learner.pk, outsider.pk]
    assert state(new)[1] == Verdict.FAILED
    assert new.seed != old.seed


def test_without_asking_it_stands_behind(submit: Submit, learner: User) -> None:
    old, new = submit(learner, "cpu"), submit(learner, "cpu")
    assert [run.pk for run in drain()] == [old.pk, new.pk]


def test_it_takes_no_other_tiers_exercises_or_learners_place(
    submit: Submit, replace: Callable[..., Run], learner: User, peer: User
) -> None:
    tried, theirs = submit(learner, "smoke"), submit(peer, "cpu")
    new = replace(learner)
    assert [run.pk for run in drain("cpu")] == [theirs.pk, new.pk]
    assert state(tried)[0] == Status.QUEUED


def test_a_run_that_has_begun_goes_on(submit: Submit, replace: Callable[..., Run], learner: User) -> None:
    old = submit(learner, "cpu")
    begun = queue.run_claim(queue="cpu", worker="w")
    assert begun is not None
    new = replace(learner)
    assert (state(old)[0], state(new)[0]) == (Status.RUNNING, Status.QUEUED)
    assert queue.run_finish(run=begun, verdict=Verdict.PASSED)


def test_a_worker_that_claims_in_the_same_moment_wins(
    submit: Submit, replace: Callable[..., Run], learner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the write, a worker takes the old run."""
    old, real = submit(learner, "cpu"), queue.run_replace

    def too_late(*, run: Run) -> bool:
        assert queue.run_claim(queue="cpu", worker="w") is not None
        return real(run=run)

    monkeypatch.setattr(services, "run_replace", too_late)
    new = replace(learner)
    assert (state(old)[0], state(new)[0]) == (Status.RUNNING, Status.QUEUED)


def test_it_frees_the_attempt_and_the_open_run(
    submit: Submit, replace: Callable[..., Run], learner: User, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort_of("One", learner, exercise=exercise_mirror(content), attempts=1)
    old = submit(learner, "cpu")
    monkeypatch.setattr(services, "MAX_OPEN_RUNS", 1)
    new = replace(learner)
    assert (state(old)[1], state(new)[0]) == (Verdict.CANCELLED, Status.QUEUED)
    with pytest.raises(ValidationError):
        submit(learner, "cpu")


def test_a_refused_submission_replaces_nothing(
    submit: Submit, replace: Callable[..., Run], learner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = submit(learner, "cpu")
    monkeypatch.setattr(services, "MAX_OPEN_RUNS", 0)
    with pytest.raises(ValidationError):
        replace(learner)
    assert state(old)[0] == Status.QUEUED


def test_a_second_run_keeps_its_place(submit: Submit, replace: Callable[..., Run], learner: User) -> None:
    submit(learner, "cpu")
    first = queue.run_claim(queue="cpu", worker="w")
    assert first is not None
    queue.run_finish(run=first, verdict=Verdict.PASSED)
    first.refresh_from_db()
    second = services.confirmation_create(run=first)
    assert second is not None
    replace(learner)
    assert state(second)[0] == Status.QUEUED


def test_the_form_offers_it_only_while_one_waits(submit: Submit, learner: User, as_user: AsUser) -> None:
    client = as_user(learner)

    def offered() -> list[bool]:
        return [BOX in client.get(path).content.decode() for path in (EXERCISE, f"{EXERCISE}allowance/")]

    assert offered() == [False, False]
    submit(learner, "cpu")
    assert offered() == [True, True]
    queue.run_claim(queue="cpu", worker="w")
    assert offered() == [False, False]
    assert Client().get(f"{EXERCISE}allowance/").status_code == 302
    assert client.get(f"/lessons/{LESSON}/nothing/allowance/").status_code == 404


@pytest.mark.parametrize(("value", "replaced"), [("1", True), ("0", False), ("", False)])
def test_the_field_of_the_form(value: str, replaced: bool, submit: Submit, learner: User, as_user: AsUser) -> None:
    old = submit(learner, "cpu")
    fields: dict[str, Any] = {f"file:{name}": text for name, text in ANSWER.items()} | {"tier": "cpu"}
    answer = as_user(learner).post(f"/lessons/{LESSON}/{SLUG}/submissions/", {**fields, "replace": value})
    assert answer.status_code == 302
    assert (state(old)[0] == Status.CANCELLED) is replaced
