"""The pages of a learner's runs over time: complete, one's own, and as many queries for many runs as for few."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lessons.loader import Exercise as Content
from tests.unit.web.lessons import LESSON, SLUG
from webapp.accounts.models import User
from webapp.catalog.services import exercise_mirror
from webapp.submissions.drafts import draft_save
from webapp.submissions.models import Run, Submission, SubmissionFile

AsUser = Callable[[User], Client]
Make = Callable[..., Run]
EXERCISE = f"/lessons/{LESSON}/{SLUG}/"
RUNS = f"{EXERCISE}runs/"
COMPARE = f"{EXERCISE}compare/"


def metric(value: float, passed: bool) -> dict[str, Any]:
    return {
        "name": "error_rate",
        "value": value,
        "unit": "share",
        "direction": "lower",
        "threshold": 0.1,
        "passed": passed,
        "samples": 10,
        "ci95": None,
    }


@pytest.fixture
def make(content: Content) -> Make:
    """A finished run with a report, `minutes` after the first one could be."""
    start = timezone.now() - timedelta(days=1)

    def create(user: User, minutes: int = 0, *, tier: str = "cpu", value: float = 0.4, text: str = "x\n") -> Run:
        passed = value <= 0.1
        at = start + timedelta(minutes=minutes)
        submission = Submission.objects.create(learner=user, exercise=exercise_mirror(content), content_hash="")
        SubmissionFile.objects.create(submission=submission, name="answer.py", content=text)
        SubmissionFile.objects.create(submission=submission, name="helper.py", content="")
        run = Run.objects.create(
            kind="submission",
            learner=user,
            submission=submission,
            tier=tier,
            queue=tier,
            seed=1,
            status="done",
            verdict="passed" if passed else "failed",
            score=1 - value,
            queued_at=at,
            started_at=at,
            finished_at=at + timedelta(seconds=5),
            report={"tier": tier, "metrics": [metric(value, passed)], "checks": [], "distinction": False},
        )
        Submission.objects.filter(pk=submission.pk).update(created_at=at)
        Run.objects.filter(pk=run.pk).update(created_at=at)
        return run

    return create


def test_it_turns_pages_and_narrows_to_a_tier(learner: User, as_user: AsUser, make: Make) -> None:
    for minute in range(30):
        make(learner, minute)
    tried = make(learner, 40, tier="smoke")
    client = as_user(learner)
    first = client.get(RUNS).context["page"]
    assert (len(first.rows), first.total, first.pages, first.newer_url, first.older_url) == (25, 31, 2, "", "?page=2")
    assert first.rows[0].row.id == str(tried.pk)
    second = client.get(f"{RUNS}?page=2").context["page"]
    assert (len(second.rows), second.newer_url, second.older_url) == (6, "?page=1", "")
    assert not {row.row.id for row in first.rows} & {row.row.id for row in second.rows}
    only = client.get(f"{RUNS}?tier=smoke").context["page"]
    assert ([row.row.id for row in only.rows], only.chart_tier_text) == ([str(tried.pk)], "Try")
    assert client.get(f"{RUNS}?tier=cpu").context["page"].older_url == "?tier=cpu&page=2"


@pytest.mark.parametrize("query", ["?page=0", "?page=-1", "?page=9999999", "?page=x", "?tier=gpu'--", "?tier=%00"])
def test_odd_addresses_show_a_page(learner: User, as_user: AsUser, make: Make, query: str) -> None:
    make(learner)
    answer = as_user(learner).get(RUNS + query)
    assert (answer.status_code, len(answer.context["page"].rows)) == (200, 1)


def test_it_shows_ones_own_and_says_so_where_there_is_none(
    learner: User, peer: User, as_user: AsUser, make: Make
) -> None:
    make(learner)
    empty = as_user(peer).get(RUNS)
    assert (empty.context["page"].total, empty.context["page"].charts) == (0, ())
    assert b"No run yet" in empty.content
    assert Client().get(RUNS).status_code == 302
    assert as_user(learner).get(f"/lessons/{LESSON}/nothing/runs/").status_code == 404
    assert as_user(learner).get(f"/lessons/{LESSON}/nothing/compare/").status_code == 404


def test_the_chart_is_of_graded_runs_with_links_and_marks(learner: User, as_user: AsUser, make: Make) -> None:
    make(learner, 0, tier="smoke", value=0.9)
    runs = [make(learner, minute, value=value) for minute, value in ((1, 0.4), (2, 0.2), (3, 0.05))]
    answer = as_user(learner).get(RUNS)
    (chart,) = answer.context["page"].charts
    assert [point.url for point in chart.points] == [f"/runs/{run.pk}/" for run in runs]
    assert [point.passed for point in chart.points] == [False, False, True]
    assert (chart.threshold_text, chart.distinction_text) == ("at most 10 %", "at most 1 %")
    assert chart.summary == "3 runs. Last 5 %, best 5 %. To pass: at most 10 %."
    text = answer.content.decode()
    assert "style=" not in text.partition("<main")[2]
    assert text.count("misses the pass mark") == 6  # two runs: in the drawing, its tooltip, and the table


def test_queries_are_as_many_for_many_runs(learner: User, as_user: AsUser, make: Make, content: Content) -> None:
    pages = [EXERCISE, RUNS, COMPARE, f"{EXERCISE}history/"]
    client = as_user(learner)
    make(learner, 0, value=0.05)
    make(learner, 1)
    draft_save(learner=learner, exercise=content, files={"answer.py": "draft"}, version="0")
    few = [count(client, path) for path in pages]
    for minute in range(2, 60):
        make(learner, minute, value=0.05 if minute % 2 else 0.4)
    assert [count(client, path) for path in pages] == few
    assert max(few) <= 30, few


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the tests run on PostgreSQL, which knows its tables")
def test_no_page_of_an_exercise_goes_through_all_runs(learner: User, as_user: AsUser, make: Make) -> None:
    """SQLite without statistics takes the first index that fits: by status, every run that was ever made has it."""
    make(learner, 0, value=0.05)
    with CaptureQueriesContext(connection) as seen:
        assert as_user(learner).get(EXERCISE).status_code == 200
    plans = [plan_of(query["sql"]) for query in seen.captured_queries if query["sql"].startswith("SELECT")]
    assert any("submissions_run" in plan for plan in plans)
    assert [plan for plan in plans if "run_leases" in plan or "SCAN submissions_run" in plan] == []
    by_status = "SELECT * FROM submissions_run WHERE status = 'done'"
    assert "run_leases" in plan_of(by_status)  # the control


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(str(row[3]) for row in cursor.fetchall())


def count(client: Client, path: str) -> int:
    client.get(path)  # what a process reads once
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


def compared(client: Client, query: str = "") -> Any:
    return client.get(COMPARE + query).context["page"]


def current(choices: Any) -> str:
    return next(str(choice.value) for choice in choices if choice.is_current)


def test_two_submissions_stand_beside_each_other(learner: User, as_user: AsUser, make: Make) -> None:
    first, second = make(learner, 0, text="a\nb\n"), make(learner, 1, text="a\nc\n")
    client = as_user(learner)
    page = compared(client)
    assert (current(page.old), current(page.new)) == (str(first.submission_id), str(second.submission_id))
    assert [(file.name, file.added, file.removed) for file in page.files] == [("answer.py", 1, 1), ("helper.py", 0, 0)]
    assert page.use_url == f"{EXERCISE}?from={second.submission_id}"
    begin = compared(client, f"?new={first.submission_id}")
    assert current(begin.old) == "starter"
    back = compared(client, f"?old={second.submission_id}&new={first.submission_id}")
    assert back.has_changes
    same = client.get(f"{COMPARE}?old=starter&new=starter")
    assert not same.context["page"].has_changes
    assert b"The two versions are the same." in same.content


def test_our_solution_is_there_after_a_pass_only(learner: User, instructor: User, as_user: AsUser, make: Make) -> None:
    client = as_user(learner)
    make(learner, 0)
    make(learner, 1, tier="smoke", value=0.05)  # a Try is no pass
    assert client.get(f"{COMPARE}?new=solution").status_code == 404
    assert client.get(f"{COMPARE}?old=solution").status_code == 404
    assert b"THE-SOLUTION" not in client.get(COMPARE).content
    run = make(learner, 2, value=0.05)
    answer = client.get(f"{COMPARE}?new=solution")
    assert current(answer.context["page"].old) == str(run.submission_id)
    assert b"THE-SOLUTION" in answer.content
    assert b"THE-SOLUTION" in as_user(instructor).get(f"{COMPARE}?new=solution").content


def test_others_versions_do_not_exist(
    learner: User, peer: User, instructor: User, as_user: AsUser, make: Make, content: Content
) -> None:
    mine, theirs = make(learner), make(peer, text="secret\n")
    draft_save(learner=peer, exercise=content, files={"answer.py": "secret draft"}, version="0")
    for query in (f"?new={theirs.submission_id}", f"?old={theirs.submission_id}", "?new=draft"):
        assert as_user(learner).get(COMPARE + query).status_code == 404, query
    both = f"?old={theirs.submission_id}&new={mine.submission_id}"
    assert as_user(instructor).get(COMPARE + both).status_code == 404  # two people's work is never mixed
    seen = as_user(instructor).get(f"{COMPARE}?new={theirs.submission_id}")
    assert seen.context["page"].learner_name == theirs.learner.get_full_name()
    assert b"secret" in seen.content
    assert b"secret draft" not in seen.content
    assert seen.context["page"].use_url == ""


@pytest.mark.parametrize("version", ["nonsense", str(uuid.uuid4()), "draft", "%00", "../../etc"])
def test_versions_that_are_none_are_not_found(learner: User, as_user: AsUser, make: Make, version: str) -> None:
    make(learner)
    assert as_user(learner).get(f"{COMPARE}?new={version}").status_code == 404
    assert as_user(learner).get(f"{COMPARE}?old={version}").status_code == 404


def test_what_files_hold_is_shown_as_text(learner: User, as_user: AsUser, make: Make) -> None:
    run = make(learner, text="<script>alert(1)</script>\n")
    text = as_user(learner).get(f"{COMPARE}?old=starter&new={run.submission_id}").content
    assert b"<script>alert" not in text
    assert b"&lt;script&gt;alert" in text


def test_hints_are_one_inside_the_other(learner: User, as_user: AsUser, make: Make) -> None:
    run = make(learner)
    Run.objects.filter(pk=run.pk).update(report={**(run.report or {}), "hints": ["first", "second", "third"]})
    text = as_user(learner).get(f"/runs/{run.pk}/").content.decode()
    places = [text.index(f"<p>{word}</p>") for word in ("first", "second", "third")]
    assert places == sorted(places)
    closing = "".join(text[places[2] :].split())
    assert closing.startswith("<p>third</p></details></details></details>")
