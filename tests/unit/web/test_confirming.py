"""The second run of a pass: when it is made, where it stands in the queue, what the pages say of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

import grader
from tests.unit.web.lessons import LESSON, SLUG
from tests.unit.web.test_run_views import EXERCISE, REPORT
from webapp.accounts.models import User
from webapp.submissions import execution, fairness, queue, services
from webapp.submissions.confirming import CONFIRMED, DIFFERED, MISSING, PLAIN_ONLY, UNMADE_TEXT, WAITS
from webapp.submissions.models import Run, Status, Verdict
from webapp.submissions.selectors import confirmed_runs, progress_of_learner, submission_confirmed

Submit = Callable[..., Run]
AsUser = Callable[[User], Client]
pytestmark = pytest.mark.usefixtures("woken", "box")


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "open_backend", lambda name: None)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the grader says next, run by run; it keeps how it was asked in `asked`."""
    planned: list[dict[str, Any]] = []

    def grade(exercise: Any, files: Any, **options: Any) -> grader.Report:
        asked.append(options)
        changes = {"tier": options["tier"], "seed": options["seed"], "certified": options["certified"]}
        return grader.Report.model_validate({**REPORT, **changes, **planned.pop(0)})

    monkeypatch.setattr(grader, "grade", grade)
    asked.clear()
    return planned


asked: list[dict[str, Any]] = []
METRIC = REPORT["metrics"][0]
CHECKS = [{"name": "answers", "passed": True, "feedback": ""}]


def passing(**changes: Any) -> dict[str, Any]:
    metrics = [{**METRIC, "value": 0.05, "ci95": None, "passed": True}]
    return {"verdict": "passed", "score": 1.0, "metrics": metrics, "checks": CHECKS, "hints": [], **changes}


def failing() -> dict[str, Any]:
    return {"verdict": "failed", "score": 0.25, "checks": CHECKS}


def work(tier: str = "cpu") -> Run:
    run = execution.work(tier)
    assert run is not None
    run.refresh_from_db()
    return run


def panel(client: Client, run: Run) -> str:
    return client.get(f"/runs/{run.pk}/panel/").content.decode()


def test_a_pass_is_made_again_cold_and_on_another_seed(
    submit: Submit, learner: User, answers: list[Any], woken: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    answers += [passing(), passing()]
    with django_capture_on_commit_callbacks(execute=True):
        submit(learner, "cpu")
        first = work()
    second = Run.objects.get(confirms=first)
    assert (second.status, second.tier, second.submission_id) == (Status.QUEUED, "cpu", first.submission_id)
    assert woken == ["cpu", "cpu"]
    assert not submission_confirmed(first.submission)
    second = work()
    assert [one["certified"] for one in asked] == [False, True]
    assert asked[0]["seed"] != asked[1]["seed"]
    assert (second.verdict, second.report["confirmed"]) == (Verdict.PASSED, True)
    assert submission_confirmed(first.submission)
    assert list(confirmed_runs()) == [first]
    assert execution.work("cpu") is None  # and that was all


@pytest.mark.parametrize(("tier", "answer"), [("smoke", passing()), ("cpu", failing())])
def test_a_try_or_a_failure_is_not_made_again(
    tier: str, answer: dict[str, Any], submit: Submit, learner: User, answers: list[Any]
) -> None:
    answers.append(answer)
    submit(learner, tier)
    work(tier)
    assert Run.objects.count() == 1


def test_an_exercise_without_distinction_asks_for_it_or_not(
    submit: Submit, learner: User, answers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lessons.schema.Manifest.confirms", lambda manifest, tier: False)
    answers.append(passing(distinction=True))
    submit(learner, "cpu")
    run = work()
    assert Run.objects.count() == 1
    assert not submission_confirmed(run.submission)


def test_the_page_says_that_a_second_run_waits_and_that_it_confirmed(
    submit: Submit, learner: User, answers: list[Any], as_user: AsUser
) -> None:
    answers += [passing(distinction=True), passing(distinction=True)]
    submit(learner, "cpu")
    first, client = work(), as_user(learner)
    for text in (panel(client, first), client.get(EXERCISE).content.decode()):
        assert WAITS in text
        assert f'href="/runs/{Run.objects.get(confirms=first).pk}/"' in text
        assert '<span class="badge gold">' not in text
    second = work()
    text = panel(client, first)
    assert CONFIRMED in text
    assert '<span class="badge gold">' in text
    assert f'href="/runs/{first.pk}/"' in panel(client, second)
    assert "Second run" in client.get(f"{EXERCISE}history/").content.decode()


def test_a_distinction_that_only_one_run_had_is_not_shown(
    submit: Submit, learner: User, answers: list[Any], as_user: AsUser
) -> None:
    answers += [passing(distinction=True), passing()]
    submit(learner, "cpu")
    first = work()
    work()
    text = panel(as_user(learner), first)
    assert PLAIN_ONLY in text
    assert '<span class="badge gold">' not in text
    assert submission_confirmed(first.submission)


def test_a_second_run_that_fails_leaves_the_pass_and_says_what_differed(
    submit: Submit, learner: User, answers: list[Any], as_user: AsUser
) -> None:
    answers += [passing(distinction=True), failing()]
    submit(learner, "cpu")
    first = work()
    work()
    first.refresh_from_db()
    text = panel(as_user(learner), first)
    assert first.verdict == Verdict.PASSED
    assert DIFFERED in text
    assert "Metric error_rate was 0.05 in the first run and 0.4 in the second" in text
    assert not submission_confirmed(first.submission)
    assert [(one.passed, one.best) for one in progress_of_learner(learner).values()] == [(True, 100)]


def test_our_failures_of_a_second_run_are_tried_again_and_cost_nothing(
    submit: Submit, learner: User, answers: list[Any], as_user: AsUser
) -> None:
    broken = {"verdict": "infra_error", "score": 0.0, "metrics": [], "checks": []}
    answers += [passing(), broken, broken, broken, passing()]
    submit(learner, "cpu")
    first, client = work(), as_user(learner)
    for _ in range(3):
        second = work()
    assert (second.verdict, second.tries) == (Verdict.INFRA_ERROR, 3)
    assert UNMADE_TEXT in panel(client, first)
    assert client.post(f"/runs/{first.pk}/confirm/")["Location"] == f"/runs/{first.pk}/"
    client.post(f"/runs/{first.pk}/confirm/")  # twice asked is once made
    assert work().verdict == Verdict.PASSED
    assert Run.objects.filter(confirms=first).count() == 2
    assert CONFIRMED in panel(client, first)


def test_an_exercise_that_changed_meanwhile_takes_nothing_from_the_pass(
    submit: Submit, learner: User, answers: list[Any], as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(*args: Any, **options: Any) -> grader.Report:
        raise grader.SubmissionError("missing ['new.py']")

    answers.append(passing())
    submit(learner, "cpu")
    first = work()
    monkeypatch.setattr(grader, "grade", changed)
    second = work()
    assert (second.status, second.verdict) == (Status.CANCELLED, Verdict.CANCELLED)
    assert "exercise has changed" in second.message
    assert UNMADE_TEXT in panel(as_user(learner), first)


def test_a_second_run_that_has_begun_cannot_be_given_up_for_a_luckier_one(
    submit: Submit, learner: User, answers: list[Any], as_user: AsUser
) -> None:
    answers.append(passing())
    submit(learner, "cpu")
    first, client = work(), as_user(learner)
    second = queue.run_claim(queue="cpu", worker="w")
    assert second is not None
    assert second.confirms_id == first.pk
    client.post(f"/runs/{second.pk}/cancel/")
    client.post(f"/runs/{first.pk}/confirm/")
    second.refresh_from_db()
    assert (second.status, second.cancel_requested) == (Status.RUNNING, False)
    assert Run.objects.filter(confirms=first).count() == 1
    assert "data-cancel" not in panel(client, second)


def test_a_second_run_that_still_waits_can_be_cancelled_and_asked_for_again(
    submit: Submit, learner: User, answers: list[Any], as_user: AsUser
) -> None:
    answers += [passing(), passing()]
    submit(learner, "cpu")
    first, client = work(), as_user(learner)
    waiting = Run.objects.get(confirms=first)
    assert "data-cancel" in panel(client, waiting)
    client.post(f"/runs/{waiting.pk}/cancel/")
    assert UNMADE_TEXT in panel(client, first)
    client.post(f"/runs/{first.pk}/confirm/")
    assert work().confirms_id == first.pk
    assert CONFIRMED in panel(client, first)


def test_only_whose_pass_it_is_asks_for_its_second_run(
    submit: Submit, learner: User, peer: User, instructor: User, as_user: AsUser
) -> None:
    submit(learner, "cpu")
    run = queue.run_claim(queue="cpu", worker="w")
    assert run is not None
    queue.run_finish(run=run, verdict=Verdict.PASSED, report={**REPORT, **passing()}, score=1.0)
    path = f"/runs/{run.pk}/confirm/"
    assert MISSING in panel(as_user(instructor), run)
    assert path not in panel(as_user(instructor), run)
    assert (as_user(peer).post(path).status_code, as_user(instructor).post(path).status_code) == (404, 404)
    assert Client().post(path).status_code == 302
    assert not Run.objects.filter(confirms=run).exists()
    assert path in panel(as_user(learner), run)
    assert as_user(learner).get(path).status_code == 405
    as_user(learner).post(path)
    assert Run.objects.filter(confirms=run).count() == 1


def test_nothing_but_a_pass_can_be_confirmed(submit: Submit, learner: User, as_user: AsUser) -> None:
    run = submit(learner, "cpu")
    as_user(learner).post(f"/runs/{run.pk}/confirm/")
    assert services.confirmation_create(run=run) is None
    assert Run.objects.count() == 1


def test_a_second_run_stands_behind_others_first_runs_but_not_for_ever(
    submit: Submit, learner: User, peer: User, answers: list[Any]
) -> None:
    answers.append(passing())
    submit(peer, "cpu")
    second = Run.objects.get(confirms=work())
    firsts = [submit(learner, "cpu").pk for _ in range(3)]
    assert fairness.queue_order("cpu") == [*firsts, second.pk]
    Run.objects.filter(pk=second.pk).update(created_at=timezone.now() - fairness.PATIENCE - timedelta(seconds=1))
    queue.sweep()
    assert fairness.queue_order("cpu").index(second.pk) < 3


def test_a_second_run_takes_none_of_the_runs_that_may_be_open(
    submit: Submit, learner: User, answers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MAX_OPEN_RUNS", 1)
    answers.append(passing())
    submit(learner, "cpu")
    work()
    assert submit(learner, "cpu").status == Status.QUEUED  # the second run is open, too


@pytest.mark.parametrize("wrong", [{"tier": "smoke"}, {"kind": "cell", "submission": None, "cell_lesson": "01_x"}])
def test_the_database_refuses_second_runs_that_cannot_be(
    wrong: dict[str, Any], submit: Submit, learner: User, answers: list[Any]
) -> None:
    answers.append(passing())
    submit(learner, "cpu")
    first = work()
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(confirms=first).update(**wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        services.run_create(tier="cpu", kind="submission", learner=learner, submission=first.submission, confirms=first)


def test_the_result_and_the_second_run_are_written_together(
    submit: Submit, learner: User, answers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that dies between the two must not leave a pass without its second run."""

    def die(run: Run) -> None:
        raise OSError("out of memory")

    monkeypatch.setattr(services, "confirmation_create", die)
    answers.append(passing())
    run = submit(learner, "cpu")
    execution.work("cpu")
    run.refresh_from_db()
    assert (run.status, run.verdict) == (Status.QUEUED, "")


def test_the_history_asks_for_all_second_runs_at_once(
    submit: Submit, learner: User, answers: list[Any], as_user: AsUser, django_assert_max_num_queries: Any
) -> None:
    client = as_user(learner)
    answers += [passing(distinction=True)] * 12
    for _ in range(6):
        submit(learner, "cpu")
    for _ in range(12):
        work()
    with django_assert_max_num_queries(8):
        text = client.get(f"/lessons/{LESSON}/{SLUG}/history/").content.decode()
    assert text.count("badge gold") == 12
