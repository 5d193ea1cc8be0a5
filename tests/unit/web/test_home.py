"""The home page, for a visitor and for a learner, and the map's drawing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import grader
from lessons.schema import SECTIONS
from tests.unit.web.lessons import EXERCISE_ID, LESSON, SLUG
from tests.unit.web.reports import report
from webapp.accounts.models import User
from webapp.catalog.contexts import LessonCard
from webapp.catalog.course import course, course_forget, exercise_find
from webapp.catalog.markdown import slug
from webapp.catalog.models import Reading
from webapp.catalog.services import catalog_sync
from webapp.learning import home_shown
from webapp.learning.home import HomeContext, home_context
from webapp.learning.progress import Count, LessonProgress
from webapp.learning.progress_selectors import LessonState
from webapp.learning.skillmap import COLUMNS, ROWS, SkillMap, skill_map
from webapp.submissions.models import Draft, Run, Status, Verdict
from webapp.submissions.records import telling_metric, verdict_records

AsUser = Callable[[User], Client]
Submit = Callable[..., Run]
IDS = [slug(name) for name in SECTIONS]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def finish(run: Run, verdict: str = Verdict.FAILED, **report_fields: Any) -> Run:
    made = report(verdict, 0.4).model_dump(mode="json") | report_fields
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(
        status=Status.DONE, verdict=verdict, score=0.4, report=made, started_at=now, finished_at=now
    )
    run.refresh_from_db()
    return run


def metric(name: str, value: float, threshold: float, *, passed: bool) -> dict[str, Any]:
    return {
        "name": name, "value": value, "unit": "s", "direction": "lower", "threshold": threshold, "passed": passed,
        "samples": 5, "ci95": None, "provenance": "observed", "ceiling": None,
    }  # fmt: skip


def state(name: str, *requires: str, level: str = "beginner", progress: LessonProgress | None = None) -> LessonState:
    card = LessonCard(
        slug=name, number="01", title=name.title(), level=level, summary="", hours=1.0, requires=requires,
        planned=False, url=f"/{name}",
    )  # fmt: skip
    return LessonState(card=card, progress=progress or LessonProgress())


def course_map() -> SkillMap:
    """The course's own: 1→2→…→6; 6→7, 8, 9→10."""
    return home_context_of_visitor().map


def home_context_of_visitor() -> HomeContext:
    return home_context(AnonymousUser())


# What a visitor sees


def test_a_visitor_sees_two_runs_that_were_measured(db: None) -> None:
    text = text_of(Client().get("/"))
    assert "24.2 %" in text
    assert "22.4 % – 26.2 %" in text
    assert "1.9 %" in text
    assert "2,000 simulated experiments" in text


@pytest.mark.parametrize(("name", "verdict"), [("naive_peeking", "failed"), ("solution", "passed")])
def test_the_shown_runs_are_reports_of_an_exercise_as_it_is(name: str, verdict: str) -> None:
    shown = grader.Report.model_validate_json((home_shown.FOLDER / f"{name}.json").read_text())
    exercise = exercise_find(home_shown.LESSON, home_shown.EXERCISE)
    assert exercise is not None
    assert (shown.verdict, shown.exercise) == (verdict, exercise.key)
    marks = {spec.name: spec.passing["cpu"] for spec in exercise.manifest.metric}
    assert {one.name: one.threshold for one in shown.metrics} == marks
    if verdict == "failed":
        assert name in {sample.name for sample in exercise.samples}


def test_the_shown_intervals_hold_their_values() -> None:
    shown = home_shown.shown_runs()
    assert shown is not None
    for run in shown.runs:
        assert 0 <= run.low_at < run.value_at < run.high_at <= 100
        assert run.passed is (run.value_at <= shown.threshold_at)


def test_a_visitor_reads_the_first_lessons_own_objectives(db: None) -> None:
    page = home_context_of_visitor()
    assert page.sample is not None
    assert page.sample.card.url in text_of(Client().get("/"))
    assert len(page.sample.objectives_html) == 5
    first = course().lessons[0].body.split("\n- ", 2)[1]
    assert page.sample.objectives_html[0].startswith("<strong>")
    assert first[2:9] in page.sample.objectives_html[0]


def test_a_visitor_is_told_of_nobodys_progress(db: None) -> None:
    text = text_of(Client().get("/"))
    assert "Not started" not in text
    assert "last verdict" not in text.lower()
    assert "6 hours" in text


# What a learner sees


def test_somebody_new_is_sent_to_the_first_lesson(learner: User, as_user: AsUser) -> None:
    page = home_context(learner)
    assert page.resume is not None
    assert (page.resume.url, page.resume.at) == (page.lessons[0].card.url, None)
    assert page.is_new
    assert "Nothing was graded yet" in text_of(as_user(learner).get("/"))


def test_it_goes_on_reading_at_the_heading_where_the_page_was_left(learner: User) -> None:
    Reading.objects.create(user=learner, lesson="09_ab_testing", sections=IDS[:2], place=IDS[2])
    found = home_context(learner).resume
    assert found is not None
    assert found.url == f"/lessons/09_ab_testing/#{IDS[2]}"
    assert SECTIONS[2] in found.detail


def test_it_goes_on_from_the_top_where_the_heading_is_gone(learner: User) -> None:
    Reading.objects.create(user=learner, lesson="09_ab_testing", sections=[], place='"><script>')
    found = home_context(learner).resume
    assert found is not None
    assert found.url == "/lessons/09_ab_testing/"


def test_a_lesson_read_to_its_end_is_not_gone_on_with(learner: User) -> None:
    Reading.objects.create(user=learner, lesson=LESSON, sections=IDS, place=IDS[-1])
    found = home_context(learner).resume
    assert found is not None
    assert LESSON not in found.url


def test_the_later_of_reading_and_working_wins(learner: User, submit: Submit) -> None:
    catalog_sync()
    reading = Reading.objects.create(user=learner, lesson="09_ab_testing", sections=[], place=IDS[0])
    submit(learner, tier="cpu")
    found = home_context(learner).resume
    assert found is not None
    assert found.url == f"/lessons/{LESSON}/{SLUG}/"
    Reading.objects.filter(pk=reading.pk).update(updated_at=timezone.now() + timedelta(minutes=1))
    found = home_context(learner).resume
    assert found is not None
    assert "09_ab_testing" in found.url


def test_a_draft_is_gone_on_with_until_the_exercise_is_passed(learner: User, submit: Submit) -> None:
    catalog_sync()
    Draft.objects.create(
        learner=learner, exercise_id=UUID(EXERCISE_ID), content_hash="x", saved_at=timezone.now() + timedelta(minutes=1)
    )
    found = home_context(learner).resume
    assert found is not None
    assert (found.url, "draft" in found.detail) == (f"/lessons/{LESSON}/{SLUG}/", True)
    finish(submit(learner, tier="cpu"), Verdict.PASSED)
    found = home_context(learner).resume
    assert found is not None
    assert LESSON not in found.url


def test_work_at_an_exercise_that_is_gone_is_not_offered(learner: User, submit: Submit, monkeypatch: Any) -> None:
    catalog_sync()
    submit(learner, tier="cpu")
    assert LESSON in str(home_context(learner).resume)
    monkeypatch.delenv("RANKZERO_LESSONS")
    course_forget()
    try:
        assert LESSON not in str(home_context(learner).resume)
    finally:
        monkeypatch.undo()
        course_forget()


def test_it_says_what_the_last_verdict_said(learner: User, submit: Submit, as_user: AsUser) -> None:
    checks = [{"name": "keeps_order", "passed": False, "feedback": "Row 7 came before row 3."}]
    run = finish(submit(learner, tier="cpu"), checks=checks)
    text = text_of(as_user(learner).get("/"))
    assert "Row 7 came before row 3." in text
    assert f"/runs/{run.pk}/" in text
    assert "40 %" in text


def test_the_worst_miss_is_what_a_verdict_is_about(learner: User, submit: Submit) -> None:
    metrics = [metric("near", 1.1, 1.0, passed=False), metric("far", 9.0, 1.0, passed=False)]
    finish(submit(learner, tier="cpu"), checks=[], metrics=metrics)
    (said,) = verdict_records(learner, 1)
    assert said.metric is not None
    assert said.metric.name == "far"
    assert said.feedback == "Far is 9 s; to pass it must be at most 1."


def test_a_verdict_without_a_report_is_told(learner: User, submit: Submit, as_user: AsUser) -> None:
    run = finish(submit(learner, tier="cpu"), Verdict.CRASHED)
    Run.objects.filter(pk=run.pk).update(report=None, score=None, message="It ended with a traceback.")
    assert "It ended with a traceback." in text_of(as_user(learner).get("/"))
    assert telling_metric((), Verdict.PASSED) is None


def test_another_learners_runs_are_not_told(learner: User, peer: User, submit: Submit) -> None:
    finish(submit(peer, tier="cpu"))
    Reading.objects.create(user=peer, lesson=LESSON, sections=IDS, place="")
    page = home_context(learner)
    assert (page.verdict, page.is_new) == (None, True)
    assert home_context(peer).verdict is not None


def test_what_a_learner_wrote_is_escaped(learner: User, submit: Submit, as_user: AsUser) -> None:
    checks = [{"name": "a", "passed": False, "feedback": "<script>alert(1)</script>"}]
    finish(submit(learner, tier="cpu"), checks=checks)
    assert "<script>alert" not in as_user(learner).get("/").content.decode()


def test_home_asks_the_database_as_often_for_much_as_for_little(learner: User, submit: Submit, as_user: AsUser) -> None:
    client = as_user(learner)
    finish(submit(learner, tier="cpu"))
    Reading.objects.create(user=learner, lesson=LESSON, sections=IDS[:1], place="")
    client.get("/")
    with CaptureQueriesContext(
        connection,
    ) as little:
        client.get("/")
    for lesson in course().lessons:
        Reading.objects.get_or_create(user=learner, lesson=lesson.slug, defaults={"sections": IDS[:3]})
    for _ in range(8):
        finish(submit(learner, tier="cpu"))
    with CaptureQueriesContext(connection) as much:
        client.get("/")
    assert len(much) == len(little)
    with CaptureQueriesContext(connection) as none:
        Client().get("/")
    assert len(none) == 0


# The map


def test_the_map_is_the_courses(db: None) -> None:
    drawn = course_map()
    assert [level.name for level in drawn.levels] == ["beginner", "intermediate", "advanced"]
    places = {node.state.card.slug[:2]: node.place.split() for level in drawn.levels for node in level.nodes}
    assert [places[f"{n:02}"][0] for n in range(1, 11)] == ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c7", "c7", "c8"]
    assert [places[n][1] for n in ("06", "07", "08", "09", "10")] == ["r3", "r1", "r3", "r5", "r3"]
    assert [places[n][2] for n in ("06", "07", "08", "09", "10")] == ["lane-0", "lane-0", "lane-1", "lane-2", "lane-0"]
    assert drawn.wide is not None
    assert len(drawn.wide.lines) == len(drawn.tall.lines) == 12
    assert [other.card.slug for other in drawn.others] == [LESSON]


def test_the_map_needs_no_script_and_is_a_list_of_links(db: None) -> None:
    text = text_of(Client().get("/"))
    drawn = text.split('<div class="map"')[1].split("</section>")[0]
    assert drawn.count(' d="M') == 24
    assert re.findall(r"<h3[^>]*>(\w+)</h3>", drawn)[:3] == ["Beginner", "Intermediate", "Advanced"]
    assert '<a class="node-title" href="/lessons/01_distributed_training/">' in drawn
    assert "builds on Distributed Training" in drawn
    assert "builds on Multimodal Systems, Code Models, A/B Testing" in drawn


@pytest.mark.parametrize("drawing", ["wide", "tall"])
def test_every_line_stays_in_its_drawing(drawing: str) -> None:
    found = getattr(course_map(), drawing)
    _, _, width, height = map(float, found.view_box.split())
    for line in found.lines:
        numbers = [float(number) for number in NUMBER.findall(line.path)]
        assert all(0 <= number <= max(width, height) for number in numbers), line.path


def test_a_line_is_walked_once_the_lesson_before_it_is_passed() -> None:
    done = LessonProgress(exercises=Count(done=1, total=1), points=Count(done=5, total=5))
    drawn = skill_map(
        [state("a", progress=done), state("b", "a"), state("c", "b", progress=LessonProgress(planned=True))]
    )
    assert drawn.wide is not None
    assert [line.state for line in drawn.wide.lines] == ["walked", "planned"]
    assert skill_map([state("a"), state("b", "a")]).tall.lines[0].state == "open"


def test_words_stand_beside_every_lane_that_passes_them() -> None:
    drawn = skill_map([state("a"), state("b", "a"), state("c", "a"), state("d", "b", "c")])
    places = {node.state.card.slug: node.place for node in drawn.levels[0].nodes}
    assert places["b"].endswith("aside-2"), "the line from a to c passes b"
    assert places["a"].endswith("aside-1")


def test_a_circle_of_requirements_and_unknown_ones_do_no_harm() -> None:
    drawn = skill_map([state("a", "b"), state("b", "a"), state("c", "nothing")])
    assert len(drawn.tall.lines) == 2
    assert [other.card.slug for other in drawn.others] == ["c"]
    assert skill_map([]).levels == ()


def test_a_map_that_is_too_large_is_drawn_tall_only() -> None:
    chain = [state("l0"), *(state(f"l{n}", f"l{n - 1}") for n in range(1, COLUMNS + 1))]
    assert skill_map(chain).wide is None
    assert skill_map(chain[:-1]).wide is not None
    fan = [state("root"), *(state(f"f{n}", "root") for n in range(ROWS + 1))]
    assert skill_map(fan).wide is None
    assert skill_map(fan[:-1]).wide is not None


def test_one_hour_is_one_hour() -> None:
    assert state("a").hours_text == "1 hour"
    for hours, text in ((0.0, ""), (6.0, "6 hours"), (1.5, "1.5 hours")):
        card = LessonCard(**{**{f: getattr(state("a").card, f) for f in state("a").card.__slots__}, "hours": hours})
        assert LessonState(card=card, progress=LessonProgress()).hours_text == text


def test_the_kept_reports_are_whole() -> None:
    for path in sorted(home_shown.FOLDER.glob("*.json")):
        assert json.loads(path.read_text())["seed"] > 0
