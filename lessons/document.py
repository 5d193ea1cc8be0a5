"""Reads `lesson.md`: front matter, sections, cells, quizzes, widgets and pictures. Rendering is the site's."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

import yaml
from pydantic import ValidationError

from lessons.pictures import is_picture_name, picture_references
from lessons.schema import SECTIONS, FrontMatter, Quiz
from lessons.widgets import widget_name, widget_read

_FENCE = re.compile(r"^(?P<marks>`{3,}|~{3,})(?P<info>[^`]*)$")
_SESSION = re.compile(r"[a-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A fenced block; `line` is where it opens, from 1."""

    info: str
    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A runnable cell. Cells of one `session` continue one another; `index` counts the lesson's cells from 0."""

    index: int
    code: str
    session: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A lesson's text, read. `pictures` are names below its folder. `problems` are (field, message)."""

    front: FrontMatter | None
    body: str
    cells: tuple[Cell, ...]
    quizzes: tuple[Quiz, ...]
    pictures: tuple[str, ...]
    problems: tuple[tuple[str, str], ...]


def validation_problems(error: ValidationError) -> list[tuple[str, str]]:
    """Pydantic's errors as (dotted field, message)."""
    return [(".".join(str(part) for part in e["loc"]), e["msg"].removeprefix("Value error, ")) for e in error.errors()]


def read_document(text: str) -> Document:
    """Read a whole `lesson.md`; everything that is wrong with it is in `problems`."""
    problems: list[tuple[str, str]] = []
    front, body, first_line = _front_matter(text, problems)
    fences, lines = _scan(body, first_line)
    headings = [line[3:].strip() for _, line in lines if line.startswith("## ")]
    if headings != list(SECTIONS):
        problems.append(("sections", _section_problem(headings)))
    cells = _cells(fences, problems)
    quizzes = _quizzes(fences, problems)
    _check_widgets(fences, problems)
    pictures = _pictures(lines, problems)
    return Document(front=front, body=body, cells=cells, quizzes=quizzes, pictures=pictures, problems=tuple(problems))


def _front_matter(text: str, problems: list[tuple[str, str]]) -> tuple[FrontMatter | None, str, int]:
    match = re.match(r"---\n(.*?\n)---\n", text, re.DOTALL)
    if match is None:
        problems.append(("front matter", "the file must begin with '---', the front matter, and '---'"))
        return None, text, 1
    body, first_line = text[match.end() :], text[: match.end()].count("\n") + 1
    try:
        return FrontMatter.model_validate(yaml.safe_load(match.group(1))), body, first_line
    except yaml.YAMLError as error:
        problems.append(("front matter", f"is not YAML: {str(error).splitlines()[0]}"))
    except ValidationError as error:
        problems += [(f"front matter.{field}", message) for field, message in validation_problems(error)]
    return None, body, first_line


def _scan(body: str, first_line: int) -> tuple[list[Fence], list[tuple[int, str]]]:
    """Fences, and the numbered lines outside them."""
    fences: list[Fence] = []
    others: list[tuple[int, str]] = []
    lines = iter(enumerate(body.splitlines(), start=first_line))
    for number, line in lines:
        opening = _FENCE.match(line)
        if opening is not None:
            block = "\n".join(_until_closed(lines, opening.group("marks")))
            fences.append(Fence(info=opening.group("info").strip(), text=block, line=number))
        else:
            others.append((number, line))
    return fences, others


def _until_closed(lines: Iterator[tuple[int, str]], marks: str) -> Iterator[str]:
    for _, line in lines:
        stripped = line.rstrip()
        if stripped.startswith(marks) and not stripped.strip(marks[0]):
            return
        yield line


def _section_problem(headings: list[str]) -> str:
    missing = [name for name in SECTIONS if name not in headings]
    extra = [name for name in headings if name not in SECTIONS]
    if missing or extra:
        return f"the '##' headings must be the eight sections: missing {missing}, not expected {extra}"
    return f"the eight sections must come once each, in order: {', '.join(SECTIONS)}"


def _cells(fences: list[Fence], problems: list[tuple[str, str]]) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for fence in fences:
        words = fence.info.split()
        if words[:2] != ["python", "run"]:
            continue
        session = words[2].removeprefix("session=") if len(words) == 3 and words[2].startswith("session=") else None
        if len(words) > 2 and (session is None or not _SESSION.fullmatch(session)):
            problems.append(
                (
                    f"line {fence.line}",
                    f"a cell opens with 'python run' or 'python run session=<name>', not {fence.info!r}",
                )
            )
        cells.append(Cell(index=len(cells), code=fence.text, session=session, line=fence.line))
    return tuple(cells)


def _quizzes(fences: list[Fence], problems: list[tuple[str, str]]) -> tuple[Quiz, ...]:
    quizzes: list[Quiz] = []
    for fence in fences:
        if fence.info != "quiz":
            continue
        try:
            quiz = Quiz.model_validate(tomllib.loads(fence.text))
        except tomllib.TOMLDecodeError as error:
            problems.append((f"line {fence.line}", f"the quiz is not TOML: {error}"))
        except ValidationError as error:
            problems += [(f"line {fence.line}: quiz.{field}", message) for field, message in validation_problems(error)]
        else:
            if quiz.id in {other.id for other in quizzes}:
                problems.append((f"line {fence.line}", f"quiz id {quiz.id!r} is used twice"))
            quizzes.append(quiz)
    return tuple(quizzes)


def _check_widgets(fences: list[Fence], problems: list[tuple[str, str]]) -> None:
    for fence in fences:
        name = widget_name(fence.info)
        if name is None:
            continue
        try:
            widget_read(name, fence.text)
        except ValueError as error:
            problems.append((f"line {fence.line}", str(error)))


def _pictures(lines: list[tuple[int, str]], problems: list[tuple[str, str]]) -> tuple[str, ...]:
    """Each once. A picture of another place is refused: no page of ours asks another host for anything."""
    found = [(number, address) for number, line in lines for address in picture_references(line)]
    problems += [
        (f"line {number}", f"{address!r} is no picture of this lesson's folder (.png, .webp or .svg)")
        for number, address in found
        if not is_picture_name(address)
    ]
    return tuple(dict.fromkeys(address for _, address in found if is_picture_name(address)))


def without_answers(text: str) -> str:
    """A lesson's source for learners to read: each quiz keeps its question and options, and loses what answers it."""
    lines, kept = iter(text.splitlines()), list[str]()
    for line in lines:
        kept.append(line)
        opening = _FENCE.match(line)
        if opening is None:
            continue
        marks = opening.group("marks")
        numbered = enumerate(lines)
        block = "\n".join(_until_closed(numbered, marks))
        kept += [_question(block) if opening.group("info").strip() == "quiz" else block, marks]
    return "\n".join(kept) + "\n"


def _question(block: str) -> str:
    try:
        quiz = Quiz.model_validate(tomllib.loads(block))
    except (tomllib.TOMLDecodeError, ValidationError):
        return "# This quiz cannot be read."
    return "\n".join([f"# {quiz.question}", *(f"# - {option}" for option in quiz.options)])
