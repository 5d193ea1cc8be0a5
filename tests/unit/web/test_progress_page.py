"""How a share is counted, and the page that shows it."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lessons.schema import SECTIONS
from tests.unit.web.lessons import EXERCISE_ID, LESSON
from tests.unit.web.reports import report
from webapp.accounts.models import User
from webapp.catalog.course import course
from webapp.catalog.markdown import render, slug
from webapp.catalog.models import QuizAnswer, Reading
from webapp.learning.progress import EXERCISES, QUIZZES, READING, Count, LessonProgress, share, together
from webapp.learning.progress_selectors import LessonLine, progress_context
from webapp.submissions.models import Run, Status, Submission, Verdict
from webapp.submissions.records import distinctions_of

AsUser = Callable[[User], Client]
Submit = Callable[..., Run]
IDS = [slug(name) for name in SECTIONS]
NONE, HALF, ALL = Count(done=0, total=4), Count(done=2, total=4), Count(done=4, total=4)


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def line_of(user: User, lesson: str = LESSON) -> LessonLine:
    return next(line for line in progress_context(user).lessons if line.card.slug == lesson)


def finish(run: Run, verdict: str, *, score: float = 1.0, distinction: bool = False) -> Run:
    made = report("passed", score).model_dump(mode="json") | {"distinction": distinction}
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(
        status=Status.DONE, verdict=verdict, score=score, report=made, started_at=now, finished_at=now
    )
    run.refresh_from_db()
    return run


def answer(user: User, quiz: str, *, right: bool, lesson: str = LESSON) -> None:
    QuizAnswer.objects.create(user=user, lesson=lesson, quiz=quiz, answer="1", correct=right, was_correct=right)


# The formula


@pytest.mark.parametrize(
    ("reading", "quizzes", "points", "percent"),
    [
        (NONE, NONE, NONE, 0),
        (ALL, NONE, NONE, 20),
        (NONE, ALL, NONE, 20),
        (NONE, NONE, ALL, 60),
        (HALF, HALF, HALF, 50),
        (ALL, ALL, ALL, 100),
        (ALL, Count(), NONE, 25),  # no quizzes: 20 of 80
        (ALL, Count(), Count(), 100),
        (Count(), Count(), Count(), 0),
        (Count(done=1, total=1000), NONE, NONE, 1),  # something is never nothing
        (ALL, ALL, Count(done=999, total=1000), 99),  # and nearly all is never all
    ],
)
def test_the_share(reading: Count, quizzes: Count, points: Count, percent: int) -> None:
    assert share([(READING, reading), (QUIZZES, quizzes), (EXERCISES, points)]) == percent
    assert LessonProgress(sections=reading, quizzes=quizzes, points=points).percent == percent


def test_a_project_counts_by_its_points() -> None:
    small = LessonProgress(sections=NONE, exercises=HALF, points=Count(done=20, total=100))
    project = LessonProgress(sections=NONE, exercises=HALF, points=Count(done=80, total=100))
    assert project.percent == 4 * small.percent == 60


@pytest.mark.parametrize(
    ("progress", "state", "note"),
    [
        (LessonProgress(planned=True), "planned", "In preparation"),
        (LessonProgress(sections=NONE), "new", "Not started"),
        (LessonProgress(sections=HALF, exercises=NONE), "reading", "2 of 4 read"),
        (LessonProgress(sections=NONE, quizzes=HALF), "reading", "Reading"),
        (LessonProgress(sections=NONE, exercises=HALF, points=HALF, tried=2), "going", "2 of 4 passed"),
        (LessonProgress(sections=NONE, exercises=NONE, tried=1), "going", "0 of 4 passed"),
        (LessonProgress(sections=NONE, exercises=ALL, points=ALL, tried=4), "passed", "All passed"),
        (LessonProgress(sections=ALL), "passed", "Done"),
    ],
)
def test_the_states(progress: LessonProgress, state: str, note: str) -> None:
    assert (progress.state, progress.note) == (state, note)


def test_lessons_in_preparation_count_for_nothing_overall() -> None:
    whole = together(
        [LessonProgress(sections=ALL), LessonProgress(sections=NONE), LessonProgress(sections=NONE, planned=True)]
    )
    assert (whole.sections, whole.percent) == (Count(done=4, total=8), 50)
    assert whole.counts == ("4 of 8 sections",)
    assert LessonProgress(exercises=Count(done=0, total=1)).counts == ("0 of 1 exercise",)


# What is counted


def test_it_counts_only_what_the_lesson_has_now(learner: User) -> None:
    Reading.objects.create(user=learner, lesson=LESSON, sections=[*IDS[:3], "gone", "a-third-level"], place="")
    answer(learner, "half", right=True)
    answer(learner, "pi", right=False)
    answer(learner, "taken-out", right=True)
    progress = line_of(learner).progress
    assert progress.sections == Count(done=3, total=8)
    assert progress.quizzes == Count(done=1, total=2)
    assert progress.state == "reading"


def test_a_try_counts_for_nothing_and_a_pass_for_its_points(learner: User, submit: Submit) -> None:
    finish(submit(learner, tier="smoke"), Verdict.PASSED)
    line = line_of(learner)
    assert (line.progress.exercises.done, line.progress.state, line.exercises[0].tries) == (0, "going", 0)
    finish(submit(learner, tier="cpu"), Verdict.FAILED, score=0.4)
    finish(submit(learner, tier="cpu"), Verdict.INFRA_ERROR, score=0.0)
    line = line_of(learner)
    assert (line.exercises[0].tries, line.exercises[0].card.best) == (1, 40)
    finish(submit(learner, tier="cpu"), Verdict.PASSED, score=0.8)
    line = line_of(learner)
    assert (line.exercises[0].tries_text, line.exercises[0].card.best) == ("2 attempts", 80)
    assert (line.progress.points, line.points_text) == (Count(done=10, total=10), "10 of 10 points")
    assert line.progress.state == "passed"


def second(run: Run, verdict: str, *, distinction: bool) -> Run:
    made = Run.objects.create(
        kind=run.kind, learner=run.learner, submission=run.submission, confirms=run, tier=run.tier, queue=run.queue,
        seed=2, queued_at=timezone.now(),
    )  # fmt: skip
    return finish(made, verdict, distinction=distinction)


@pytest.mark.parametrize(
    ("first", "confirms", "again", "wanted"),
    [
        (False, False, None, False),
        (True, False, None, True),  # an exercise that wants no second run
        (True, True, None, False),  # it is still to come
        (True, True, (Verdict.PASSED, True), True),
        (True, True, (Verdict.PASSED, False), False),
        (True, True, (Verdict.FAILED, True), False),
    ],
)
def test_a_distinction_is_what_the_runs_page_calls_one(
    learner: User, submit: Submit, monkeypatch: Any, first: bool, confirms: bool, again: Any, wanted: bool
) -> None:
    monkeypatch.setattr("lessons.schema.Manifest.confirms", lambda self, tier: confirms)
    run = finish(submit(learner, tier="cpu"), Verdict.PASSED, distinction=first)
    if again is not None:
        second(run, again[0], distinction=again[1])
    assert (UUID(EXERCISE_ID) in distinctions_of(learner)) is wanted
    page = progress_context(learner)
    assert line_of(learner).exercises[0].distinction is wanted
    assert page.recent[0].row.distinction is wanted  # as confirming.is_distinguished has it
    assert len(page.recent) == 1


# The page


def test_it_asks_a_visitor_to_sign_in(db: None) -> None:
    found = Client().get("/progress/")
    assert found.status_code == 302
    assert "login" in found["Location"]


def test_it_tells_somebody_new_how_to_begin(learner: User, as_user: AsUser) -> None:
    text = text_of(as_user(learner).get("/progress/"))
    assert "Nothing to show yet" in text
    assert "No exercise was graded yet." in text
    assert "How the share is counted" in text
    assert "streak" not in text.lower()


def test_it_shows_the_counts_beside_the_share(learner: User, peer: User, submit: Submit, as_user: AsUser) -> None:
    Reading.objects.create(user=learner, lesson=LESSON, sections=IDS[:7], place="")
    answer(learner, "half", right=True)
    run = finish(submit(learner, tier="cpu"), Verdict.FAILED, score=0.4)
    text = text_of(as_user(learner).get("/progress/"))
    for part in ("7 of 8 sections", "1 of 2 quizzes", "0 of 1 exercise", "best 40 %", "1 attempt", f"/runs/{run.pk}/"):
        assert part in text, part
    assert "Nothing to show yet" not in text
    assert "best 40 %" not in text_of(as_user(peer).get("/progress/"))


def test_recent_verdicts_end_somewhere(learner: User, submit: Submit) -> None:
    for _ in range(12):
        finish(submit(learner, tier="cpu"), Verdict.FAILED)
    assert len(progress_context(learner).recent) == 10
    assert Submission.objects.count() == 12


def test_it_asks_the_database_as_often_for_much_as_for_little(learner: User, submit: Submit, as_user: AsUser) -> None:
    client = as_user(learner)
    Reading.objects.create(user=learner, lesson=LESSON, sections=IDS[:1], place="")
    second(finish(submit(learner, tier="cpu"), Verdict.PASSED, distinction=True), Verdict.PASSED, distinction=True)
    client.get("/progress/")
    with CaptureQueriesContext(connection) as little:
        client.get("/progress/")
    for lesson in course().lessons:
        Reading.objects.get_or_create(user=learner, lesson=lesson.slug, defaults={"sections": IDS[:3]})
        for quiz in lesson.quizzes:
            answer(learner, quiz.id, right=True, lesson=lesson.slug)
    for _ in range(8):
        second(finish(submit(learner, tier="cpu"), Verdict.PASSED, distinction=True), Verdict.PASSED, distinction=True)
    with CaptureQueriesContext(connection) as much:
        client.get("/progress/")
    assert len(much) == len(little)
    assert len(much) <= 14


def test_sections_are_counted_as_the_lessons_page_counts_them(learner: User) -> None:
    lesson = next(lesson for lesson in course().lessons if lesson.slug == "09_ab_testing")
    below = next(entry.id for entry in render(lesson.body).toc if entry.level == 3)
    Reading.objects.create(user=learner, lesson=lesson.slug, sections=[below], place="")
    assert line_of(learner, lesson.slug).progress.sections == Count(done=1, total=len(render(lesson.body).toc))
