"""What a run tells while it goes: log lines, progress, and the output of cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Stream = Literal["out", "err", "judge", "system"]
OutputKind = Literal["png", "table", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One line, without its newline. `out` and `err` are the learner's, `judge` the exercise's, `system` ours."""

    stream: Stream
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEvent:
    """`done` is the share done, 0 to 1, or None when it is not known."""

    text: str
    done: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputEvent:
    """A cell's output. `png`: base64 text; `table`: {"columns": [...], "rows": [[...]], "total": n}; `text`: text."""

    kind: OutputKind
    data: Any


Event = LogEvent | ProgressEvent | OutputEvent
