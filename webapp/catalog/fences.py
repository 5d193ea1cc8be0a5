"""Our own fences in Markdown: ```python run (a cell) and ```quiz (TOML). The loader has checked them already."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from pydantic import ValidationError

from lessons.schema import Quiz


class FenceError(ValueError):
    """A fence cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSource:
    index: int  # of the page, from 0
    code: str
    session: str


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
