"""Grading again: what is chosen, what it costs, what learners are told, and who may order it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from lessons.loader import Exercise as Content
from tests.unit.web.test_cohorts import cohort_of
from tests.unit.web.test_run_views import EXERCISE
from webapp.accounts.models import User
from webapp.catalog.models import Exercise
from webapp.catalog.services import exercise_mirror
from webapp.submissions import queue, regrading, services
from webapp.submissions.attempts import attempts_used
from webapp.submissions.models import Regrade, Run, Status, Verdict
from webapp.submissions.notices import STANDS, notices_of
from webapp.submissions.regrading import regrade_create
from webapp.submissions.selectors import progress_of_learner

Submit = Callable[..., Run]
AsUser = Callable[[User], Client]
REASON = "The judge rounded <down>."
pytestmark = pytest.mark.usefixtures("woken")


@pytest.fixture
def exercise(db: None, content: Content) -> Exercise:
    return exercise_mirror(content)


@pytest.fixture
def done(submit: Submit) -> Callable[..., Run]:
    """A finished run, without the second one that a pass may want."""

    def finish(user: User, verdict: str = "failed", score: float | None = 0.25, tier: str = "cpu", **files: str) -> Run:
        return end(submit(user, tier, **files), verdict, score)

    return finish


def end(run: Run, verdict: str, score: float | None = None) -> Run:
    claimed = queue.run_claim(queue=run.queue, worker="w")
    assert claimed is not None
    assert claimed.pk == run.pk
    assert queue.run_finish(run=claimed, verdict=verdict, score=score)
    run.refresh_from_db()
    return run


def again(run: Run, verdict: str, score: float | None = None) -> Run:
    """The run that graded this one's submission again, with that result."""
    regrade_create(reason=REASON, submission=run.submission)
    return end(Run.objects.get(regrade__isnull=False, status=Status.QUEUED), verdict, score)


def chosen(**scope: Any) -> list[Any]:
    order, count = regrade_create(reason=REASON, **scope)
    runs = list(order.runs.all())
    assert len(runs) == count
    return sorted(run.submission_id for run in runs)


def test_a_submission_runs_anew_on_its_tier_with_another_seed(done: Callable[..., Run], learner: User) -> None:
    old = done(learner)
    order, count = regrade_create(reason=f" {REASON} ", submission=old.submission)
    new = order.runs.get()
    assert (count, order.reason) == (1, REASON)
    assert (new.tier, new.queue, new.learner, new.submission, new.status, new.rank) == (
        "cpu", "cpu", learner, old.submission, Status.QUEUED, 1,
    )  # fmt: skip
    assert new.seed != old.seed
    old.refresh_from_db()
    assert (old.status, old.verdict, old.score) == (Status.DONE, Verdict.FAILED, 0.25)


def test_of_each_learner_the_best_and_the_latest_are_chosen(
    done: Callable[..., Run], learner: User, peer: User, outsider: User, exercise: Exercise
) -> None:
    done(learner, score=0.1)
    best, _, latest = done(learner, "passed", 0.5), done(learner, score=0.9), done(learner, score=0.2)
    only = done(peer, "crashed", None)
    done(outsider, "failed", tier="smoke")  # a Try counts for nothing
    assert chosen(exercise=exercise) == sorted(run.submission_id for run in (best, latest, only))


def test_a_cohort_is_who_is_in_it(done: Callable[..., Run], learner: User, peer: User, exercise: Exercise) -> None:
    mine, cohort = done(learner), cohort_of("Autumn", learner)
    done(peer)
    assert chosen(cohort=cohort) == [mine.submission_id]
    end(Run.objects.get(status=Status.QUEUED), "failed")
    assert chosen(cohort=cohort, exercise=exercise) == [mine.submission_id]


def test_what_we_could_not_run_is_run_again(done: Callable[..., Run], learner: User, exercise: Exercise) -> None:
    lost = done(learner, "infra_error", None)
    assert chosen(exercise=exercise) == [lost.submission_id]


def test_what_has_an_open_run_or_was_cancelled_is_left_alone(
    done: Callable[..., Run], submit: Submit, learner: User, exercise: Exercise
) -> None:
    old = done(learner)
    services.run_cancel(run=submit(learner, "cpu"))
    assert chosen(exercise=exercise) == [old.submission_id]
    with pytest.raises(ValidationError, match="nothing to grade again"):
        regrade_create(reason=REASON, exercise=exercise)
    assert Regrade.objects.count() == 1


def test_an_exercise_that_is_gone_is_not_graded_again(
    done: Callable[..., Run], learner: User, exercise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(learner)
    monkeypatch.setattr(regrading, "exercise_find", lambda lesson, slug: None)
    with pytest.raises(ValidationError, match="nothing to grade again"):
        regrade_create(reason=REASON, exercise=exercise)
    assert not Regrade.objects.exists()


def test_many_are_queued_in_several_transactions(
    done: Callable[..., Run], learner: User, peer: User, exercise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regrading, "CHUNK", 1)
    for user in (learner, peer):
        done(user, score=0.9)
        done(user)
    assert len(chosen(exercise=exercise)) == 4


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\0"])
def test_learners_are_owed_a_reason(reason: str, done: Callable[..., Run], learner: User) -> None:
    with pytest.raises(ValidationError) as caught:
        regrade_create(reason=reason, submission=done(learner).submission)
    assert list(caught.value.message_dict) == ["reason"]
    assert not Regrade.objects.exists()


def test_it_stands_behind_first_runs_and_costs_neither_attempt_nor_room(
    done: Callable[..., Run], submit: Submit, learner: User, peer: User, monkeypatch: pytest.MonkeyPatch,
    content: Content,
) -> None:  # fmt: skip
    old = done(learner)
    regrade_create(reason=REASON, submission=old.submission)
    assert attempts_used(learner, content.manifest.id) == 1
    monkeypatch.setattr(services, "MAX_OPEN_RUNS", 1)
    first = submit(peer, "cpu")
    mine = submit(learner, "cpu")
    order = [run.pk for _ in range(3) if (run := queue.run_claim(queue="cpu", worker="w")) is not None]
    assert set(order[:2]) == {first.pk, mine.pk}
    assert len(order) == 3


@pytest.mark.parametrize(
    ("before", "after", "passed", "best"),
    [
        (("failed", 0.4), ("passed", 0.8), True, 80),
        (("passed", 0.8), ("failed", 0.4), True, 80),
        (("passed", 0.8), ("infra_error", None), True, 80),
        (("failed", 0.4), ("failed", 0.2), False, 40),
    ],
)
def test_the_best_verdict_stands(
    before: tuple[str, float], after: tuple[str, float], passed: bool, best: int, done: Callable[..., Run],
    learner: User,
) -> None:  # fmt: skip
    again(done(learner, *before), *after)
    assert [(one.passed, one.best) for one in progress_of_learner(learner).values()] == [(passed, best)]


def told(user: User) -> list[tuple[str, str, str]]:
    return [(row.before_text, row.after_text, row.text) for notice in notices_of(user) for row in notice.rows]


@pytest.mark.parametrize(
    ("before", "after", "row"),
    [
        (("failed", 0.4), ("passed", 1.0), ("Not passed yet, 40 %", "Passed, 100 %", "")),
        (("passed", 1.0), ("failed", 0.4), ("Passed, 100 %", "Not passed yet, 40 %", STANDS)),
        (("passed", 0.5), ("passed", 0.9), ("Passed, 50 %", "Passed, 90 %", "")),
        (("crashed", None), ("failed", 0.4), ("Crashed", "Not passed yet, 40 %", "")),
        (("infra_error", None), ("passed", 1.0), ("Our fault", "Passed, 100 %", "")),
    ],
)
def test_the_learner_is_told_what_changed(
    before: tuple[str, float], after: tuple[str, float], row: tuple[str, str, str], done: Callable[..., Run],
    learner: User, peer: User, as_user: AsUser,
) -> None:  # fmt: skip
    new = again(done(learner, *before), *after)
    assert told(learner) == [row]
    for path in ("/", EXERCISE):
        text = as_user(learner).get(path).content.decode()
        assert "The judge rounded &lt;down&gt;." in text
        assert f"<strong>{row[1]}</strong>" in text
        assert f'href="/runs/{new.pk}/"' in text
        assert "data-notice" not in as_user(peer).get(path).content.decode()


@pytest.mark.parametrize(("before", "after"), [(("passed", 0.9), ("passed", 0.5)), (("failed", 0.4), ("failed", 0.4))])
def test_it_says_when_nothing_changed(
    before: tuple[str, float], after: tuple[str, float], done: Callable[..., Run], learner: User, as_user: AsUser
) -> None:
    again(done(learner, *before), *after)
    assert told(learner) == []
    assert "Nothing changes for you." in as_user(learner).get("/").content.decode()


def test_a_run_that_we_could_not_make_tells_nothing(done: Callable[..., Run], learner: User, as_user: AsUser) -> None:
    again(done(learner), "infra_error")
    assert notices_of(learner) == ()
    assert "data-notice" not in as_user(learner).get("/").content.decode()


def test_a_notice_is_put_away_by_its_reader_alone(
    done: Callable[..., Run], learner: User, peer: User, as_user: AsUser
) -> None:
    again(done(learner), "passed", 1.0)
    path = f"/regrades/{Regrade.objects.get().pk}/seen/"
    as_user(peer).post(path)
    assert Client().post(path).status_code == 302
    assert len(notices_of(learner)) == 1
    assert as_user(learner).get(path).status_code == 405
    assert as_user(learner).post(path, {"next": EXERCISE})["Location"] == EXERCISE
    assert notices_of(learner) == ()


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example", "", "javascript:alert(1)"])
def test_putting_it_away_leads_nowhere_else(away: str, learner: User, as_user: AsUser) -> None:
    assert as_user(learner).post("/regrades/1/seen/", {"next": away})["Location"] == "/"


def test_what_ends_later_is_told_anew(
    done: Callable[..., Run], learner: User, exercise: Exercise, as_user: AsUser
) -> None:
    done(learner, score=0.9)
    done(learner, score=0.1)
    order, _ = regrade_create(reason=REASON, exercise=exercise)
    runs = [queue.run_claim(queue="cpu", worker="w") for _ in range(2)]
    assert runs[0] is not None
    assert runs[1] is not None
    queue.run_finish(run=runs[0], verdict="passed", score=1.0)
    regrading.notices_put_away(user=learner, regrade=order.pk)
    assert notices_of(learner) == ()
    queue.run_finish(run=runs[1], verdict="passed", score=1.0)
    assert len(told(learner)) == 1


def test_the_pages_of_both_runs_tell_of_each_other(done: Callable[..., Run], learner: User, as_user: AsUser) -> None:
    old = done(learner)
    new, client = again(old, "passed", 1.0), as_user(learner)
    text = client.get(f"/runs/{old.pk}/panel/").content.decode()
    assert f'<a href="/runs/{new.pk}/">Graded again</a>' in text
    assert "Passed, 100 %. The best verdict stands." in text
    text = client.get(f"/runs/{new.pk}/panel/").content.decode()
    assert "The judge rounded &lt;down&gt;." in text
    assert "best verdict of a submission&#x27;s runs stands" in text or "best verdict of a submission's runs" in text
    assert "Graded again" in client.get(f"{EXERCISE}history/").content.decode()


def test_the_editor_and_the_panel_stay_with_the_newest_submission(
    done: Callable[..., Run], learner: User, as_user: AsUser
) -> None:
    old = done(learner, **{"answer.py": "OLD-WORDS", "helper.py": ""})
    newest = done(learner, **{"answer.py": "NEW-WORDS", "helper.py": ""})
    again(old, "passed", 1.0)
    text = as_user(learner).get(EXERCISE).content.decode()
    assert "NEW-WORDS" in text
    assert "OLD-WORDS" not in text
    assert f'data-panel-url="/runs/{newest.pk}/panel/"' in text


def test_an_instructor_orders_it_with_a_reason(
    done: Callable[..., Run], learner: User, peer: User, instructor: User, as_user: AsUser
) -> None:
    run = done(learner)
    path = f"/submissions/{run.submission_id}/regrade/"
    for page in (f"/runs/{run.pk}/", f"/submissions/{run.submission_id}/"):
        assert path in as_user(instructor).get(page).content.decode()
        assert path not in as_user(learner).get(page).content.decode()
    for user in (learner, peer):
        assert as_user(user).post(path, {"reason": REASON}).status_code == 404
    assert Client().post(path, {"reason": REASON}).status_code == 302
    refused = as_user(instructor).post(path, {"reason": " "})
    assert (refused.status_code, "Give a reason" in refused.content.decode()) == (422, True)
    assert not Regrade.objects.exists()
    answer = as_user(instructor).post(path, {"reason": REASON})
    assert answer["Location"] == f"/submissions/{run.submission_id}/"
    order = Regrade.objects.get()
    assert (order.requested_by, order.reason, order.runs.count()) == (instructor, REASON, 1)
    twice = as_user(instructor).post(path, {"reason": REASON})
    assert (twice.status_code, "nothing to grade again" in twice.content.decode()) == (422, True)


def test_a_try_offers_nothing_to_grade_again(
    done: Callable[..., Run], learner: User, instructor: User, as_user: AsUser
) -> None:
    run = done(learner, tier="smoke")
    assert "/regrade/" not in as_user(instructor).get(f"/runs/{run.pk}/").content.decode()
    answer = as_user(instructor).post(f"/submissions/{run.submission_id}/regrade/", {"reason": REASON})
    assert answer.status_code == 422


def test_notices_take_few_queries_however_many_runs(
    done: Callable[..., Run], learner: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        again(done(learner), "passed", 1.0)
    with django_assert_max_num_queries(3):
        assert len(notices_of(learner)) == 5
