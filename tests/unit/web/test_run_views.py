"""Pages of exercises and runs: what they show, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.unit.web.lessons import LESSON, SLUG
from webapp.accounts.models import User
from webapp.submissions import queue, services
from webapp.submissions.keptlog import pack
from webapp.submissions.logstream import Entry
from webapp.submissions.models import Run, Verdict

Submit = Callable[..., Run]
AsUser = Callable[[User], Client]
EXERCISE = f"/lessons/{LESSON}/{SLUG}/"
REPORT: dict[str, Any] = {
    "schema": 1,
    "exercise": f"{LESSON}/{SLUG}",
    "tier": "cpu",
    "verdict": "failed",
    "score": 0.25,
    "metrics": [
        {
            "name": "error_rate",
            "value": 0.4,
            "unit": "share",
            "direction": "lower",
            "threshold": 0.1,
            "passed": False,
            "samples": 100,
            "ci95": [0.3, 0.5],
        }
    ],
    "checks": [{"name": "answers", "passed": False, "feedback": "<b>answered None</b>"}],
    "usage": {"wall_s": 2.0, "cpu_s": 1.5, "peak_memory_bytes": 52_428_800},
    "seed": 7,
    "log_tail": [],
    "hints": ["Return something."],
    "distinction": False,
    "message": "",
}
pytestmark = pytest.mark.usefixtures("woken")


@pytest.fixture
def done(submit: Submit) -> Callable[..., Run]:
    """A finished run of a learner."""

    def finish(user: User, verdict: str = "failed", tier: str = "cpu", score: float = 0.25) -> Run:
        submit(user, tier)
        run = queue.run_claim(queue=tier, worker="w")
        assert run is not None
        report = {**REPORT, "tier": tier, "verdict": verdict, "score": score}
        log = pack([Entry(type="line", n=1, stream="out", text="\x1b[31mhello\x1b[0m")])
        queue.run_finish(run=run, verdict=verdict, report=report, score=score, log_z=log)
        run.refresh_from_db()
        return run

    return finish


def pages(run: Run) -> list[str]:
    own = f"/runs/{run.pk}/"
    return [own, f"{own}panel/", f"{own}log/", f"{own}report.json", f"/submissions/{run.submission_id}/"]


def test_it_hides_others_work(
    done: Callable[..., Run], learner: User, peer: User, instructor: User, as_user: AsUser
) -> None:
    run = done(learner)
    for path in pages(run):
        assert as_user(learner).get(path).status_code == 200, path
        assert as_user(instructor).get(path).status_code == 200, path
        assert as_user(peer).get(path).status_code == 404, path
        assert Client().get(path).status_code == 302, path
    assert as_user(peer).post(f"/runs/{run.pk}/cancel/").status_code == 404


def test_it_shows_metrics_checks_and_hints(done: Callable[..., Run], learner: User, as_user: AsUser) -> None:
    run = done(learner)
    for path in (f"/runs/{run.pk}/panel/", f"/runs/{run.pk}/", EXERCISE):
        text = as_user(learner).get(path).content.decode()
        for part in ("Not passed yet", "Error rate", "40 %", "at most 10 %", "Return something."):
            assert part in text, (path, part)
        assert "&lt;b&gt;answered None&lt;/b&gt;" in text
        assert "<b>answered None" not in text


def test_it_gives_the_log_without_colours(done: Callable[..., Run], learner: User, as_user: AsUser) -> None:
    answer = as_user(learner).get(f"/runs/{done(learner).pk}/log/")
    assert answer.content == b"hello\n"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


def test_it_gives_the_report_once_there_is_one(
    done: Callable[..., Run], submit: Submit, learner: User, as_user: AsUser
) -> None:
    client = as_user(learner)
    assert client.get(f"/runs/{submit(learner).pk}/report.json").status_code == 404
    report = client.get(f"/runs/{done(learner).pk}/report.json").json()
    assert report["metrics"] == REPORT["metrics"]


def test_it_shows_a_waiting_run_with_its_place(submit: Submit, learner: User, peer: User, as_user: AsUser) -> None:
    submit(peer)
    text = as_user(learner).get(f"/runs/{submit(learner).pk}/panel/").content.decode()
    assert "Number 2 in line" in text


def test_it_cancels(submit: Submit, learner: User, as_user: AsUser) -> None:
    client = as_user(learner)
    run = submit(learner)
    answer = client.post(f"/runs/{run.pk}/cancel/", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()) == (200, {"status": "cancelled"})
    assert client.post(f"/runs/{run.pk}/cancel/")["Location"] == f"/runs/{run.pk}/"
    assert client.get(f"/runs/{run.pk}/cancel/").status_code == 405


def test_it_shows_the_solution_only_after_a_pass(
    done: Callable[..., Run], learner: User, instructor: User, as_user: AsUser
) -> None:
    client = as_user(learner)
    assert b"THE-SOLUTION" not in Client().get(EXERCISE).content
    done(learner)
    done(learner, verdict="passed", tier="smoke", score=1.0)
    assert b"THE-SOLUTION" not in client.get(EXERCISE).content
    done(learner, verdict="passed", score=1.0)
    assert b"THE-SOLUTION" in client.get(EXERCISE).content
    assert b"THE-SOLUTION" in as_user(instructor).get(EXERCISE).content


def test_it_starts_with_the_starter_and_goes_on_with_the_last_submission(
    submit: Submit, learner: User, as_user: AsUser
) -> None:
    client = as_user(learner)
    assert b"return x\n" in client.get(EXERCISE).content
    submit(learner, **{"answer.py": "MY-LAST-WORDS", "helper.py": ""})
    assert b"MY-LAST-WORDS" in client.get(EXERCISE).content
    assert b"MY-LAST-WORDS" not in Client().get(EXERCISE).content


def test_it_lists_the_history(done: Callable[..., Run], learner: User, peer: User, as_user: AsUser) -> None:
    mine, theirs = done(learner), done(peer)
    text = as_user(learner).get(f"{EXERCISE}history/").content.decode()
    assert str(mine.pk) in text
    assert str(theirs.pk) not in text
    assert as_user(learner).get(f"/lessons/{LESSON}/nothing/history/").status_code == 404


def test_it_shows_what_was_submitted(submit: Submit, learner: User, as_user: AsUser) -> None:
    run = submit(learner, **{"answer.py": "<script>alert(1)</script>", "helper.py": ""})
    for path in (f"/submissions/{run.submission_id}/", f"/runs/{run.pk}/"):
        text = as_user(learner).get(path).content.decode()
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert(1)" not in text


def test_it_counts_a_pass_at_the_real_tier_only(done: Callable[..., Run], learner: User, as_user: AsUser) -> None:
    from webapp.submissions.selectors import progress_of_learner

    def state() -> list[tuple[bool, int | None]]:
        return [(one.passed, one.best) for one in progress_of_learner(learner).values()]

    assert state() == []
    done(learner, verdict="passed", tier="smoke", score=1.0)
    assert state() == [(False, None)]
    done(learner, score=0.25)
    assert state() == [(False, 25)]
    done(learner, verdict="passed", score=0.9)
    assert state() == [(True, 90)]


def cell(client: Client, index: int, **fields: str) -> Any:
    return client.post(f"/lessons/{LESSON}/cells/{index}/", fields, headers={"accept": "application/json"})


def test_it_runs_a_cell_with_the_session_before_it(learner: User, as_user: AsUser) -> None:
    answer = cell(as_user(learner), 1, code="x + 2")
    run = Run.objects.get()
    assert answer.status_code == 201
    assert answer.json()["ws_url"] == f"/ws/runs/{run.pk}/"
    assert run.cell_sources == ["x = 20\n", "x + 2"]
    assert (run.kind, run.cell_lesson, run.cell_index, run.queue) == ("cell", LESSON, 1, "smoke")
    assert as_user(learner).get(f"/runs/{run.pk}/").status_code == 200


@pytest.mark.parametrize(("code", "text"), [("", "empty"), ("a\0", "not UTF-8"), ("x" * 70_000, "larger than 64 KiB")])
def test_it_refuses_a_bad_cell_at_its_field(code: str, text: str, learner: User, as_user: AsUser) -> None:
    answer = cell(as_user(learner), 2, code=code)
    assert answer.status_code == 422
    assert text in answer.json()["errors"]["code"][0]
    assert Run.objects.count() == 0


def test_it_answers_unknown_cells_and_visitors(learner: User, as_user: AsUser) -> None:
    assert cell(as_user(learner), 3, code="1").status_code == 404
    assert cell(Client(), 0, code="1").status_code == 401


def test_it_reports_all_verdicts_in_words(done: Callable[..., Run], learner: User, as_user: AsUser) -> None:
    for verdict in Verdict:
        if verdict != Verdict.CANCELLED:
            run = done(learner, verdict=verdict)
            text = as_user(learner).get(f"/runs/{run.pk}/panel/").content.decode()
            assert str(verdict.label) in text
    assert services.run_cancel(run=run).verdict == Verdict.INFRA_ERROR


def test_the_seed_stays_secret_until_the_run_is_over(submit: Submit, learner: User, as_user: AsUser) -> None:
    run = submit(learner)
    for path in (f"/runs/{run.pk}/", f"/runs/{run.pk}/panel/", EXERCISE):
        assert str(run.seed) not in as_user(learner).get(path).content.decode()
