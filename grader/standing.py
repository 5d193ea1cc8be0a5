"""Where ranks that hung stood, in words for the learner.

It comes from inside the learner's processes: feedback, which changes no verdict. Only numbers, names from a closed list
and names of submitted files get into the text.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from sandbox.guest.positions import Position, parse

MAX_POSITIONS = 32 * 1024
_SHOWN = 16


def read_positions(payload: bytes, ranks: int) -> list[Position | None]:
    """By rank; None for one that did not answer or has ended. Raises ValueError for anything but the guest's form."""
    try:
        values = json.loads(payload)
    except RecursionError:
        raise ValueError("the positions are nested too deep") from None
    if not isinstance(values, list) or len(values) != ranks:
        raise ValueError(f"the positions are no list of {ranks}")
    positions = [parse(value) for value in values]
    if [position is None for position in positions] != [value is None for value in values]:
        raise ValueError("a position is malformed")
    return positions


def describe_hang(codes: Sequence[int | None], positions: Sequence[Position | None], files: Collection[str]) -> str:
    """Where each rank stood; `codes` by rank, None for one that had not ended."""
    parts = [
        f"rank {rank} {_stand(code, position, files)}"
        for rank, (code, position) in enumerate(zip(codes, positions, strict=True))
    ]
    more = f"; and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    text = f"{'; '.join(parts[:_SHOWN])}{more}."
    return text + (" They disagree about the next collective." if _disagree(positions) else "")


def _stand(code: int | None, position: Position | None, files: Collection[str]) -> str:
    if code is not None:
        return "has ended"
    if position is None:
        return "does not answer"
    place = f"{position['file']} line {position['line']}" if position["file"] in files else ""
    if not position["waits"]:
        last = f"its last was {_name(position)}" if position["op"] else ""
        return f"is in no collective{_in_brackets(place, last)}"
    since = f"for {position['since_s']} s" if position["since_s"] else ""
    return f"waits in {_name(position)}{_in_brackets(since, place)}"


def _name(position: Position) -> str:
    group = f" of group {position['group']}" if position["group"] else ""
    return f"{position['op']} #{position['number']}{group}" if position["number"] else str(position["op"])


def _in_brackets(*parts: str) -> str:
    said = ", ".join(part for part in parts if part)
    return f" ({said})" if said else ""


def _disagree(positions: Sequence[Position | None]) -> bool:
    """Whether two ranks wait in different collectives of one group."""
    waiting = [position for position in positions if position and position["waits"] and position["number"]]
    by_group: dict[int, set[tuple[str | None, int]]] = {}
    for position in waiting:
        by_group.setdefault(position["group"], set()).add((position["op"], position["number"]))
    return any(len(different) > 1 for different in by_group.values())
