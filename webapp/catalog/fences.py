"""Our own fences in Markdown: ```python run (a cell), ```quiz and ```widget (TOML). The loader has checked them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from pydantic import ValidationError

from lessons.schema import Quiz
from lessons.widgets import Widget, widget_name, widget_read


class FenceError(ValueError):
    """A fence cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSource:
    index: int  # of the page, from 0
    code: str
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetSource:
    index: int  # of the page, from 0
    name: str
    widget: Widget


def cell_session(info: str) -> str | None:
    """The session of a ```python run fence ("" for none), None for any other fence. Raises FenceError."""
    words = info.split()
    if words[:2] != ["python", "run"]:
        return None
    if len(words) == 2:
        return ""
    name, _, value = words[2].partition("=")
    if len(words) > 3 or name != "session" or not value:
        raise FenceError(f"```{info}: only session=<name> may follow")
    return value


def quiz_parse(text: str) -> Quiz:
    """Raises FenceError."""
    try:
        return Quiz.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise FenceError(f"quiz: not TOML: {error}") from error
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc'])) or 'quiz'}: {e['msg']}" for e in error.errors()]
        raise FenceError("quiz: " + "; ".join(problems)) from error


def widget_parse(info: str, text: str, *, index: int) -> WidgetSource | None:
    """None for a fence that is no widget. Raises FenceError."""
    name = widget_name(info)
    if name is None:
        return None
    try:
        return WidgetSource(index=index, name=name, widget=widget_read(name, text))
    except ValueError as error:
        raise FenceError(str(error)) from error
