from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.unit.web.lessons import LESSON, SLUG, write_lessons
from webapp.accounts.models import User
from webapp.catalog.course import course, course_forget
from webapp.catalog.models import Exercise
from webapp.catalog.services import catalog_sync
from webapp.config.lab import LabState, write_state

AsUser = Callable[[User], Client]
URL = f"/lessons/{LESSON}/"
JSON = {"accept": "application/json"}


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A copy of the lessons that a test may change."""
    root = write_lessons(tmp_path / "copy")
    monkeypatch.setenv("RANKZERO_LESSONS", str(root))
    course_forget()
    yield root / LESSON
    monkeypatch.undo()
    course_forget()


def test_home_shows_the_path(db: None) -> None:
    answer = Client().get("/")
    assert answer.status_code == 200
    for text in (b"A small lesson", b"Distributed Training", b"in preparation"):
        assert text.lower() in answer.content.lower()


def test_home_and_lesson_and_exercise_are_readable_without_an_account(db: None) -> None:
    for path in ("/", URL, f"{URL}{SLUG}/"):
        assert Client().get(path).status_code == 200


def test_lesson_shows_all_its_parts(db: None) -> None:
    text = Client().get(URL).content.decode()
    for part in (
        "A small lesson",
        'id="theory-concepts"',
        '<span class="math inline">2x</span>',
        "callout warning",
        "Double it",
        f"{URL}cells/0/",
        f"{URL}quiz/half/",
        "THE-THIRD",
    ):
        assert part in text, part
    assert "data-slot" not in text


def test_lesson_never_tells_a_quiz_answer(db: None) -> None:
    assert "SECRET-REASON" not in Client().get(URL).content.decode()


@pytest.mark.parametrize("path", ["/lessons/99_nothing/", "/lessons/10_mlops_cicd/", "/nothing"])
def test_it_answers_unknown_and_planned_lessons_with_404(path: str, db: None) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize(
    ("quiz", "given", "correct"),
    [("half", "1", True), ("half", "0", False), ("pi", "3.14", True), ("pi", "3,141", True), ("pi", "3.2", False)],
)
def test_it_grades_a_quiz(quiz: str, given: str, correct: bool, db: None) -> None:
    answer = Client().post(f"{URL}quiz/{quiz}/", {"answer": given}, headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["correct"] is correct
    assert answer.json()["explanation"]


@pytest.mark.parametrize(
    ("quiz", "given"), [("half", ""), ("half", "3"), ("half", "-1"), ("pi", "pie"), ("pi", "nan"), ("pi", "9" * 50)]
)
def test_it_refuses_what_is_no_answer(quiz: str, given: str, db: None) -> None:
    answer = Client().post(f"{URL}quiz/{quiz}/", {"answer": given}, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"]["answer"]


def test_it_answers_a_quiz_without_scripts(db: None) -> None:
    text = Client().post(f"{URL}quiz/half/", {"answer": "1"}).content.decode()
    assert "SECRET-REASON" in text


def test_it_answers_an_unknown_quiz_with_404(db: None) -> None:
    assert Client().post(f"{URL}quiz/none/", {"answer": "1"}).status_code == 404
    assert Client().get(f"{URL}quiz/half/").status_code == 405


def test_it_shows_content_errors_to_teachers_only(
    copied: Path, learner: User, instructor: User, as_user: AsUser
) -> None:
    (copied / "exercises" / SLUG / "exercise.toml").write_text("schema = 9\n")
    course_forget()
    assert "exercise.toml" in as_user(instructor).get("/").content.decode()
    assert "exercise.toml" not in as_user(learner).get("/").content.decode()


def test_a_broken_exercise_does_not_block_its_lesson(copied: Path, db: None) -> None:
    (copied / "exercises" / SLUG / "judge.py").unlink()
    course_forget()
    assert Client().get(f"{URL}{SLUG}/").status_code == 404
    assert Client().get(URL).status_code == 200


def test_it_sees_a_changed_file(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.catalog.course.LOOK_EVERY_S", 0.0)
    before = course()
    assert course() is before
    path = copied / "lesson.md"
    path.write_text(path.read_text().replace("A small lesson", "A new title"))
    found = course().lesson(LESSON)
    assert found is not None
    assert found.title == "A new title"


def test_it_mirrors_the_folders(copied: Path, db: None) -> None:
    catalog_sync()
    row = Exercise.objects.get(lesson=LESSON)
    assert (row.slug, row.title, row.is_present) == (SLUG, "Double it", True)
    (copied / "exercises" / SLUG).rename(copied / "exercises" / "renamed")
    assert catalog_sync().gone == 0
    row.refresh_from_db()
    assert (row.slug, row.is_present) == ("renamed", True)
    (copied / "exercises" / "renamed" / "prompt.md").unlink()
    result = catalog_sync()
    row.refresh_from_db()
    assert (result.gone, row.is_present) == (1, False)
    assert any("prompt.md" in problem for problem in result.problems)


def test_it_says_how_far_the_lab_is(db: None) -> None:
    write_state(LabState(state="installing", text="Installing the lab: 3 of 9 packages", done=0.3))
    assert "3 of 9 packages" in Client().get(URL).content.decode()
    assert "3 of 9 packages" in Client().get(f"{URL}{SLUG}/").content.decode()


def test_it_sends_security_headers(db: None) -> None:
    answer = Client().get("/")
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["script-src"].startswith("'self'")
    assert "unsafe" not in policy["script-src"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]


def test_pages_have_no_inline_scripts(db: None) -> None:
    import re

    for path in ("/", URL, f"{URL}{SLUG}/", "/accounts/login/", "/nothing"):
        text = Client().get(path).content.decode()
        assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", text) == [], path
        assert re.findall(r"\son[a-z]+=\"", text) == [], path
