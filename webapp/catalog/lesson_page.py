"""What the page of one lesson is given."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from lessons.loader import HOME, Lesson
from lessons.schema import Quiz
from webapp.accounts.models import User
from webapp.catalog.contexts import LessonContext
from webapp.catalog.markdown import render
from webapp.catalog.parts import lesson_html
from webapp.catalog.quizzes import Results, quiz_results, quiz_tally
from webapp.catalog.reading import reading_of, reading_view
from webapp.catalog.selectors import Person, lesson_cards, problems_for


def lesson_context(
    lesson: Lesson, *, request: HttpRequest, given: Results | None = None, errors: Mapping[str, str] | None = None
) -> LessonContext:
    """`given` and `errors` are of the quiz that was just answered, by its id."""
    user = request.user
    open_cards = [card for card in lesson_cards(user) if not card.planned]
    place = next(number for number, card in enumerate(open_cards) if card.slug == lesson.slug)
    document = render(lesson.body)
    results = {**quiz_results(user, lesson.slug, document.quizzes), **(given or {})}
    html = lesson_html(lesson, request=request, results=results, errors=errors or {})
    reading, toc = reading_view(reading_of(user, lesson.slug), document.toc)
    return LessonContext(
        lesson=open_cards[place],
        html=html,
        toc=toc,
        exercises=open_cards[place].exercises,
        previous=open_cards[place - 1] if place else None,
        next=open_cards[place + 1] if place + 1 < len(open_cards) else None,
        has_math='class="math ' in html,
        has_mermaid=document.has_mermaid,
        has_cells=bool(document.cells),
        reading=reading,
        tally=tally_for(user, results, len(document.quizzes)),
        storage_key=f"rz:{user.pk or 0}:{lesson.slug}",
        source_url=source_url(lesson),
        problems=problems_for(user),
    )


def tally_for(user: Person, results: Results, total: int) -> str:
    return quiz_tally(results, total) if isinstance(user, User) else ""


def source_url(lesson: Lesson) -> str:
    """The text in the public repository, where the operator named one and the lesson is ours; else our own copy."""
    if settings.SOURCE_URL and lesson.folder is not None and lesson.folder.parent == HOME:
        return f"{settings.SOURCE_URL}/lessons/{lesson.slug}/lesson.md"
    return reverse("lesson-source", args=[lesson.slug])


def quiz_source(lesson: Lesson, quiz: str) -> Quiz | None:
    return render(lesson.body).quizzes.get(quiz)


def quiz_tally_of(user: Person, lesson: Lesson) -> str:
    quizzes = render(lesson.body).quizzes
    return tally_for(user, quiz_results(user, lesson.slug, quizzes), len(quizzes))


def headings_of(lesson: Lesson) -> list[str]:
    return [entry.id for entry in render(lesson.body).toc]
