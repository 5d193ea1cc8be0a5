"""Where a rank stands among its collectives: the form in which it says so, and the check of what was said.

A rank says it about itself, inside the learner's process: feedback that anyone there can forge, never evidence. Nothing
but numbers, a name from a closed list and a plain path gets past `parse`.
"""

from __future__ import annotations

import re
from typing import Any, TypedDict, cast

# torch's names, without the backend's and without the variants that mean the same to a learner.
OPS = frozenset(
    {
        "all_gather",
        "all_reduce",
        "all_to_all",
        "barrier",
        "broadcast",
        "collective",
        "gather",
        "init_process_group",
        "recv",
        "reduce",
        "reduce_scatter",
        "scatter",
        "send",
    }
)
_MAX_NUMBER = 10**12
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_MAX_FILE = 200


class Position(TypedDict):
    """`op` is the collective that the rank waits in (`waits`) or was in last, None before the first.

    `number` counts within the process group `group`, from 1; 0 where torch keeps no count (send, recv, start-up).
    `count`: collectives of all groups so far. `since_s`: seconds in `op`. `file` (below /work, None if unknown) and
    `line`: where the main thread is.
    """

    op: str | None
    waits: bool
    number: int
    group: int
    count: int
    since_s: int
    file: str | None
    line: int


def parse(value: object) -> Position | None:
    """The position if `value` is exactly one, else None."""
    if not isinstance(value, dict) or value.keys() != Position.__annotations__.keys():
        return None
    numbers = (value["number"], value["group"], value["count"], value["since_s"], value["line"])
    if not all(type(number) is int and 0 <= number <= _MAX_NUMBER for number in numbers):
        return None
    if type(value["waits"]) is not bool or not _is_op(value["op"]) or not _is_place(value["file"]):
        return None
    return cast("Position", value)


def is_file(name: str) -> bool:
    """Whether it is a plain relative path of at most 200 characters."""
    return len(name) <= _MAX_FILE and bool(_FILE.fullmatch(name))


def same_place(one: Position | None, other: Position | None) -> bool:
    """Whether nothing but time has passed between the two."""
    if one is None or other is None:
        return one is other
    return {**one, "since_s": 0} == {**other, "since_s": 0}


def _is_op(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value in OPS)


def _is_place(value: Any) -> bool:
    return value is None or (isinstance(value, str) and is_file(value))
