"""Runs that were too good to be true: who is told, who decides, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from grader.verdict import UNDER_REVIEW
from tests.unit.web.test_run_views import REPORT
from webapp.accounts.models import User
from webapp.submissions import queue, services
from webapp.submissions.models import Review, Run, Verdict
from webapp.submissions.selectors import progress_of_learner

Submit = Callable[..., Run]
AsUser = Callable[[User], Client]
pytestmark = pytest.mark.usefixtures("woken")
METRIC = {**REPORT["metrics"][0], "value": 0.0001, "ci95": None, "passed": True, "ceiling": 0.001}
MESSAGE = "error_rate is 0.0001 share, but nothing below 0.001 is physically possible here."


@pytest.fixture
def alarmed(submit: Submit) -> Callable[[User], Run]:
    """A learner's run that beat physics."""

    def finish(user: User) -> Run:
        submit(user, "cpu")
        run = queue.run_claim(queue="cpu", worker="w")
        assert run is not None
        verdict = Verdict.UNDER_REVIEW
        checks = [{"name": "answers", "passed": True, "feedback": ""}]
        report = {**REPORT, "verdict": verdict, "score": 1.0, "metrics": [METRIC], "checks": checks, "message": MESSAGE}
        queue.run_finish(run=run, verdict=verdict, report=report, score=1.0, message=MESSAGE)
        run.refresh_from_db()
        return run

    return finish


def decide(client: Client, run: Run, decision: str = "accepted", reason: str = "I ran it myself.") -> Any:
    return client.post(f"/review/{run.pk}/", {"decision": decision, "reason": reason})


def test_the_page_explains_and_the_pass_does_not_count_yet(
    alarmed: Callable[[User], Run], learner: User, as_user: AsUser
) -> None:
    run = alarmed(learner)
    text = as_user(learner).get(f"/runs/{run.pk}/panel/").content.decode()
    assert "Under review" in text
    assert MESSAGE in text
    assert [one.passed for one in progress_of_learner(learner).values()] == [False]


def test_instructors_are_told_and_see_metric_ceiling_and_files(
    alarmed: Callable[[User], Run], learner: User, instructor: User, as_user: AsUser
) -> None:
    client = as_user(instructor)
    assert "Nothing waits for a decision" in client.get("/review/").content.decode()
    alarmed(learner)
    assert "1<span" in client.get("/").content.decode()  # in the header of every page
    text = client.get("/review/").content.decode()
    for part in ("Error rate", "measured 0.01 %", "physically at least 0.1 %", "return x + x", learner.username):
        assert part in text, part


def test_learners_have_no_such_page(alarmed: Callable[[User], Run], learner: User, peer: User, as_user: AsUser) -> None:
    run = alarmed(learner)
    for user in (learner, peer):
        assert as_user(user).get("/review/").status_code == 404
        assert decide(as_user(user), run).status_code == 404
        assert 'href="/review/"' not in as_user(user).get("/").content.decode()
    assert Client().get("/review/")["Location"].startswith("/accounts/login/")
    assert decide(Client(), run).status_code == 302
    run.refresh_from_db()
    assert (run.verdict, Review.objects.count()) == (Verdict.UNDER_REVIEW, 0)


def test_an_accepted_run_is_a_pass_with_its_second_run(
    alarmed: Callable[[User], Run], learner: User, instructor: User, as_user: AsUser
) -> None:
    run = alarmed(learner)
    assert decide(as_user(instructor), run)["Location"] == "/review/"
    run.refresh_from_db()
    assert run.verdict == Verdict.PASSED
    assert run.report["verdict"] == "under_review"  # what was measured stays
    assert [one.passed for one in progress_of_learner(learner).values()] == [True]
    assert Run.objects.filter(confirms=run).count() == 1
    text = as_user(learner).get(f"/runs/{run.pk}/panel/").content.decode()
    assert "Accepted</strong> by ines" in text
    assert "I ran it myself." in text


def test_a_run_that_is_not_accepted_fails(
    alarmed: Callable[[User], Run], learner: User, instructor: User, as_user: AsUser
) -> None:
    run = alarmed(learner)
    decide(as_user(instructor), run, "failed", "It replays the <seed>.")
    run.refresh_from_db()
    assert run.verdict == Verdict.FAILED
    assert not Run.objects.filter(confirms=run).exists()
    text = as_user(learner).get(f"/runs/{run.pk}/panel/").content.decode()
    assert "It replays the &lt;seed&gt;." in text
    page = as_user(instructor).get("/review/").content.decode()
    assert "It replays the &lt;seed&gt;." in page
    assert "Nothing waits for a decision" in page


@pytest.mark.parametrize(
    ("decision", "reason", "message"),
    [
        ("accepted", "  ", "Give a reason"),
        ("failed", "x" * 2001, "2000 characters at most"),
        ("maybe", "why not", "Accept it or do not."),
        ("", "why not", "Accept it or do not."),
    ],
)
def test_it_refuses_half_a_decision_at_its_field(
    decision: str, reason: str, message: str, alarmed: Callable[[User], Run], learner: User, instructor: User,
    as_user: AsUser,
) -> None:  # fmt: skip
    run = alarmed(learner)
    answer = decide(as_user(instructor), run, decision, reason)
    assert answer.status_code == 422
    assert message in answer.content.decode()
    run.refresh_from_db()
    assert (run.verdict, Review.objects.count()) == (Verdict.UNDER_REVIEW, 0)


def test_it_is_decided_once(alarmed: Callable[[User], Run], learner: User, instructor: User, as_user: AsUser) -> None:
    run, client = alarmed(learner), as_user(instructor)
    decide(client, run, "failed", "no")
    answer = decide(client, run, "accepted", "yes")
    assert (answer.status_code, "not under review any more" in answer.content.decode()) == (422, True)
    run.refresh_from_db()
    assert (run.verdict, Review.objects.get().reason) == (Verdict.FAILED, "no")


def test_a_try_counts_for_nothing_so_nobody_decides_about_it(
    submit: Submit, learner: User, instructor: User, as_user: AsUser
) -> None:
    submit(learner, "smoke")
    run = queue.run_claim(queue="smoke", worker="w")
    assert run is not None
    queue.run_finish(run=run, verdict=Verdict.UNDER_REVIEW, score=1.0, message=f"{MESSAGE} {UNDER_REVIEW}")
    client = as_user(instructor)
    assert "Nothing waits for a decision" in client.get("/review/").content.decode()
    assert "1<span" not in client.get("/").content.decode()
    answer = decide(client, run)
    assert (answer.status_code, "A Try counts for nothing" in answer.content.decode()) == (422, True)
    text = as_user(learner).get(f"/runs/{run.pk}/panel/").content.decode()
    assert "A Try counts for nothing, so nobody reviews it." in text
    assert UNDER_REVIEW not in text


def test_nobody_decides_about_their_own_run(alarmed: Callable[[User], Run], instructor: User, as_user: AsUser) -> None:
    run, client = alarmed(instructor), as_user(instructor)
    assert "your own run" in client.get("/review/").content.decode()
    assert f"/review/{run.pk}/" not in client.get("/review/").content.decode()
    assert decide(client, run).status_code == 422
    run.refresh_from_db()
    assert run.verdict == Verdict.UNDER_REVIEW


def test_an_ordinary_run_cannot_be_decided(submit: Submit, learner: User, instructor: User) -> None:
    run = submit(learner, "cpu")
    with pytest.raises(ValidationError, match="not under review"):
        services.review_decide(run=run, reviewer=instructor, decision="accepted", reason="a gift")
    run.refresh_from_db()
    assert (run.verdict, Review.objects.count()) == ("", 0)


def test_the_audit_outlives_the_instructor(alarmed: Callable[[User], Run], learner: User, instructor: User) -> None:
    services.review_decide(run=alarmed(learner), reviewer=instructor, decision="accepted", reason="fine")
    instructor.delete()
    review = Review.objects.get()
    assert (review.reviewer, review.reviewer_name, review.reason) == (None, "ines", "fine")


def test_the_database_refuses_a_decision_without_a_reason(alarmed: Callable[[User], Run], learner: User) -> None:
    run = alarmed(learner)
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(run=run, reviewer_name="x", decision="accepted", reason="")
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(run=run, reviewer_name="x", decision="perhaps", reason="y")
