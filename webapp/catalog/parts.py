"""Fills the slots of a rendered lesson with cells and quizzes, from the templates' partials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from lessons.loader import Lesson
from lessons.schema import Quiz as QuizSource
from webapp.catalog.contexts import Cell, Quiz, QuizResult
from webapp.catalog.fences import CellSource
from webapp.catalog.markdown import Document, fill_slots, render, render_inline


def lesson_html(lesson: Lesson, document: Document, *, request: HttpRequest, results: Mapping[str, QuizResult]) -> str:
    def fill(slot: str) -> str:
        kind, _, name = slot.partition("-")
        if kind == "cell":
            cell = cell_view(lesson.slug, document, document.cells[int(name)])
            return render_to_string("catalog/_cell.html", {"cell": cell}, request=request)
        quiz = quiz_view(lesson.slug, document.quizzes[name], results.get(name))
        return render_to_string("catalog/_quiz.html", {"quiz": quiz}, request=request)

    return fill_slots(document.html, fill)


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


def quiz_view(lesson: str, quiz: QuizSource, result: QuizResult | None) -> Quiz:
    return Quiz(
        id=quiz.id,
        kind=quiz.kind,
        question_html=render_inline(quiz.question),
        options_html=tuple(render_inline(option) for option in quiz.options),
        url=reverse("quiz-answer", args=[lesson, quiz.id]),
        result=result,
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
