"""An exception in learner code, told to the learner.

The report comes from the learner's own process. Where hidden inputs are in play, only places in the submitted files and
the names of Python's own exceptions are taken from it; a message could carry the inputs out.
"""

from __future__ import annotations

import builtins
import json
from pathlib import PurePosixPath
from typing import Any

from grader.context import RunContext
from grader.errors import Rejected

_MAX_FRAMES = 20
_MAX_MESSAGE = 2000
_BUILTIN = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
)


def render(payload: bytes, context: RunContext, doing: str) -> str:
    """Several lines of text. Raises Rejected for a report that no honest guest would send."""
    report = _read(payload)
    lines = [f"The program raised an exception while {doing}:"]
    for file, number in report["frames"][-_MAX_FRAMES:]:
        lines += _place(file, number, context)
    lines.append(_exception(report, context))
    return "\n".join(lines)


def _read(payload: bytes) -> dict[str, Any]:
    try:
        report = json.loads(payload[: 64 * 1024])
        ok = set(report) == {"type", "message", "frames"} and isinstance(report["type"], str)
        ok = ok and isinstance(report["message"], str)
        ok = ok and all(isinstance(f, str) and (n is None or type(n) is int) for f, n in report["frames"])
    except (ValueError, TypeError, RecursionError):
        ok = False
    if not ok:
        raise Rejected("The program sent a malformed report of an exception.")
    return report  # type: ignore[no-any-return]


def _place(file: str, number: int | None, context: RunContext) -> list[str]:
    name = str(PurePosixPath(file).relative_to("/work")) if file.startswith("/work/") else file
    source = context.files.get(name)
    if source is None:
        return [] if context.hides_prints else [f"  {name[:200]}, line {number}"]
    lines = source.decode(errors="replace").splitlines()
    if number is None or not 1 <= number <= len(lines):
        return []
    return [f"  {name}, line {number}", f"    {lines[number - 1].strip()[:200]}"]


def _exception(report: dict[str, Any], context: RunContext) -> str:
    kind, message = report["type"], report["message"][:_MAX_MESSAGE]
    if not context.hides_prints:
        return f"{kind[:100]}: {message}"
    shown = kind if kind in _BUILTIN else "an exception of its own"
    return f"{shown} (its message is not shown: hidden inputs are in the box; Try shows it)"
