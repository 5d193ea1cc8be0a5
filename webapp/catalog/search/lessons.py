"""The catalog's own documents: lessons section by section, exercises, and their prompts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.urls import reverse
from markdown_it.token import Token

from lessons.loader import Exercise, Lesson
from webapp.catalog.course import course
from webapp.catalog.fences import FenceError, quiz_parse
from webapp.catalog.markdown import make_parser
from webapp.catalog.search.sources import Document

LONGEST_TEXT = 40_000  # characters of one section that are indexed
SYMBOLS = {
    "cdot": "·",
    "times": "×",
    "le": "≤",
    "ge": "≥",
    "approx": "≈",
    "sum": "∑",
    "sqrt": "√",
    "to": "→",
    "pm": "±",
}
DRAWN = (["mermaid"], ["widget"])  # fences whose source is no prose


@dataclass(slots=True)
class Section:
    anchor: str = ""
    heading: str = ""
    prose: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)  # code and formulas: found like prose, shown where prose has nothing

    @property
    def text(self) -> str:
        return " ".join(" ".join((*self.prose, *self.other)).split())[:LONGEST_TEXT]


def lesson_documents() -> Iterator[Document]:
    for lesson in course().lessons:
        if lesson.body:
            yield from documents_of_lesson(lesson)


def documents_of_lesson(lesson: Lesson) -> Iterator[Document]:
    url = reverse("lesson", args=[lesson.slug])
    key = f"lesson:{lesson.slug}"
    yield Document(key=key, title=lesson.title, text=lesson.summary, tags=lesson.level, url=url, is_page=True)
    for section in sections_of(lesson.body):
        if section.text and section.anchor:
            yield Document(
                key=f"{key}#{section.anchor}",
                title=lesson.title,
                heading=section.heading,
                text=section.text,
                url=f"{url}#{section.anchor}",
            )


def exercise_documents() -> Iterator[Document]:
    for lesson in course().lessons:
        for exercise in lesson.exercises:
            yield document_of_exercise(lesson, exercise)


def document_of_exercise(lesson: Lesson, exercise: Exercise) -> Document:
    manifest = exercise.manifest
    metrics = [metric.name for metric in manifest.metric]
    return Document(
        key=f"exercise:{manifest.id}",
        title=manifest.title,
        text=manifest.summary,
        tags=" ".join((lesson.title, exercise.key, manifest.protocol, *metrics, *manifest.assets)),
        url=reverse("exercise", args=[exercise.lesson, exercise.slug]),
        is_page=True,
    )


def prompt_documents() -> Iterator[Document]:
    for lesson in course().lessons:
        for exercise in lesson.exercises:
            yield from documents_of_prompt(exercise)


def documents_of_prompt(exercise: Exercise) -> Iterator[Document]:
    url = reverse("exercise", args=[exercise.lesson, exercise.slug])
    for section in sections_of(exercise.prompt):
        if section.text:
            yield Document(
                key=f"prompt:{exercise.manifest.id}#{section.anchor}",
                title=exercise.manifest.title,
                heading=section.heading,
                text=section.text,
                url=f"{url}#{section.anchor}" if section.anchor else url,
            )


def sections_of(markdown: str) -> list[Section]:
    """The text under each heading that has an address, the one before the first heading included."""
    sections = [Section()]
    tokens = make_parser().parse(markdown, {})
    heading: Token | None = None
    for token in tokens:
        if token.type == "heading_open":
            heading = token
        elif token.type == "inline" and heading is not None and heading.attrGet("id"):
            sections.append(Section(anchor=str(heading.attrGet("id")), heading=inline_text(token)))
        elif token.type == "inline" or is_quiz(token):
            sections[-1].prose.append(text_of(token))
        else:
            sections[-1].other.append(text_of(token))
        if token.type == "heading_close":
            heading = None
    return sections


def is_quiz(token: Token) -> bool:
    return token.type == "fence" and token.info.split()[:1] == ["quiz"]


def text_of(token: Token) -> str:
    if token.type == "inline":
        return inline_text(token)
    if token.type == "fence":
        return fence_text(token)
    if token.type.startswith("math"):
        return math_text(token.content)
    return token.content if token.type == "code_block" else ""


def fence_text(token: Token) -> str:
    """A quiz is found by its question: its answer and explanation are for those who have answered."""
    if is_quiz(token):
        try:
            return inline_text(make_parser().parseInline(quiz_parse(token.content).question)[0])
        except FenceError:
            return ""
    return "" if token.info.split()[:1] in DRAWN else token.content


def inline_text(token: Token) -> str:
    return "".join(child_text(child) for child in token.children or [])


def child_text(child: Token) -> str:
    if child.type in ("softbreak", "hardbreak"):
        return " "
    return math_text(child.content) if child.type.startswith("math") else child.content


def math_text(tex: str) -> str:
    """A formula as a line of plain text can say it: its letters, digits and signs."""
    return re.sub(r"[{}$&\\]+", " ", re.sub(r"\\([A-Za-z]+)", symbol, tex))


def symbol(command: re.Match[str]) -> str:
    name = command[1]
    try:
        return SYMBOLS.get(name) or unicodedata.lookup(f"GREEK SMALL LETTER {name.upper()}")
    except KeyError:
        return " "
