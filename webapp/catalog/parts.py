"""Fills the slots of a rendered lesson with cells, quizzes, widgets and pictures, from the templates' partials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language
from typing_extensions import override

from lessons.loader import Lesson
from lessons.schema import Quiz as QuizSource
from webapp.catalog.contexts import Cell, Quiz, QuizResult, Widget
from webapp.catalog.fences import CellSource, WidgetSource
from webapp.catalog.markdown import Document, fill_slots, render, render_inline
from webapp.catalog.pictures import picture_html

TOKEN = "the-token-of-this-request"  # noqa: S105  # stands in cached forms until each page puts its own there


def lesson_html(
    lesson: Lesson, *, request: HttpRequest, results: Mapping[str, QuizResult], errors: Mapping[str, str]
) -> str:
    """Rendered once a text, language and kind of reader; only a person's own answers are drawn anew."""
    language, quizzes = get_language() or "", render(lesson.body).quizzes

    def fill(slot: str) -> str:
        name = slot.removeprefix("quiz-")
        if name not in results and name not in errors:
            return blank_quiz(lesson.slug, lesson.body, name, language)
        return quiz_html(quiz_view(lesson.slug, quizzes[name], results.get(name), errors.get(name, "")))

    fixed = fixed_html(Keyed(lesson), request.user.is_authenticated, language)
    return fill_slots(fixed, fill).replace(TOKEN, get_token(request))


class Keyed:
    """A lesson as the key of a cache: equal where slug, text and pictures are."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.key = (lesson.slug, lesson.body, lesson.pictures)

    @override
    def __hash__(self) -> int:
        return hash(self.key)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keyed) and other.key == self.key


@lru_cache(maxsize=128)
def fixed_html(keyed: Keyed, signed_in: bool, language: str) -> str:
    """The lesson with its cells, widgets and pictures; the quizzes' slots are still empty."""
    lesson, document = keyed.lesson, render(keyed.lesson.body)

    def fill(slot: str) -> str:
        kind, _, name = slot.partition("-")
        if kind == "cell":
            cell = cell_view(lesson.slug, document, document.cells[int(name)])
            url = reverse("lesson", args=[lesson.slug])
            return part_html("_cell", {"cell": cell, "signed_in": signed_in, "lesson_url": url})
        if kind == "widget":
            return part_html("_widget", {"widget": widget_view(document.widgets[int(name)])})
        if kind == "picture":
            return picture_html(lesson, document.pictures[int(name)])
        return f'<div data-slot="{slot}"></div>'

    return fill_slots(document.html, fill)


@lru_cache(maxsize=1024)
def blank_quiz(slug: str, body: str, name: str, language: str) -> str:
    """A quiz that nobody has answered, as `language` has it."""
    return quiz_html(quiz_view(slug, render(body).quizzes[name]))


def quiz_html(quiz: Quiz) -> str:
    return part_html("_quiz", {"quiz": quiz})


def part_html(name: str, context: dict[str, object]) -> str:
    return render_to_string(f"catalog/{name}.html", {**context, "csrf_token": TOKEN})


def earlier_cells(document: Document, cell: CellSource) -> list[CellSource]:
    """The cells that run silently before this one: those above it in the same session."""
    if not cell.session:
        return []
    return [other for other in document.cells[: cell.index] if other.session == cell.session]


def cell_view(lesson: str, document: Document, cell: CellSource) -> Cell:
    return Cell(
        index=cell.index,
        code=cell.code,
        session=cell.session,
        earlier=tuple(other.index for other in earlier_cells(document, cell)),
        url=reverse("cell-run", args=[lesson, cell.index]),
    )


def quiz_view(lesson: str, quiz: QuizSource, result: QuizResult | None = None, error: str = "") -> Quiz:
    return Quiz(
        id=quiz.id,
        kind=quiz.kind,
        question_html=render_inline(quiz.question),
        options_html=tuple(render_inline(option) for option in quiz.options),
        url=reverse("quiz-answer", args=[lesson, quiz.id]),
        result=result,
        error=error,
    )


def widget_view(source: WidgetSource) -> Widget:
    return Widget(
        index=source.index,
        name=source.name,
        title=source.widget.title,
        text_html=render(source.widget.text).html,
        params=source.widget.model_dump_json(exclude={"title", "text"}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPlace:
    """A cell, and the cells (index, text) that run before it."""

    lesson: str
    index: int
    earlier: tuple[tuple[int, str], ...]


def cell_place(lesson: Lesson, index: int) -> CellPlace | None:
    document = render(lesson.body)
    if index >= len(document.cells):
        return None
    earlier = earlier_cells(document, document.cells[index])
    return CellPlace(lesson=lesson.slug, index=index, earlier=tuple((other.index, other.code) for other in earlier))
