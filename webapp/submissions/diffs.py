"""Two versions of a file beside each other. Pure functions, bounded in time and size whatever the files hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import islice

from webapp.submissions.contexts_history import DiffRow, FileDiff, LineSide

CONTEXT = 3  # equal lines around a change
MIDDLE = 1_000  # lines between the equal beginning and the equal end that are compared one by one
ROWS = 2_000  # shown of a file
ALIKE = 0.4  # of the longer line, at least, is in both: then the rest is marked as what changed
WIDTH = 600  # characters shown of a line
Block = tuple[str, int, int, int, int]  # as SequenceMatcher.get_opcodes gives them


def file_diffs(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[FileDiff, ...]:
    """In the order of the new version; files that are gone come last."""
    names = [*new, *(name for name in old if name not in new)]
    return tuple(file_diff(name, old.get(name, ""), new.get(name, "")) for name in names)


def file_diff(name: str, old: str, new: str) -> FileDiff:
    before, after = lines_of(old), lines_of(new)
    blocks, is_coarse = blocks_of(before, after)
    changed = [block for block in blocks if block[0] != "equal"]
    rows = list(islice(rows_of(blocks, before, after), ROWS + 1)) if changed else []
    return FileDiff(
        name=name,
        added=sum(block[4] - block[3] for block in changed),
        removed=sum(block[2] - block[1] for block in changed),
        rows=tuple(rows[:ROWS]),
        is_coarse=is_coarse,
        is_cut=len(rows) > ROWS,
    )


def lines_of(text: str) -> list[str]:
    """An end of line at the end of the file begins no line."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def blocks_of(old: list[str], new: list[str]) -> tuple[list[Block], bool]:
    """What is equal and what is not, in order; and whether the part between was too large to look into."""
    head = common(old, new)
    tail = common(old[head:][::-1], new[head:][::-1])
    old_middle, new_middle = old[head : len(old) - tail], new[head : len(new) - tail]
    has_both = bool(old_middle and new_middle)
    is_coarse = has_both and max(len(old_middle), len(new_middle)) > MIDDLE
    middle: list[Block] = [("replace", 0, len(old_middle), 0, len(new_middle))]
    if has_both and not is_coarse:
        middle = list(SequenceMatcher(None, old_middle, new_middle).get_opcodes())
    ends: list[Block] = [
        ("equal", 0, head, 0, head),
        *((tag, i + head, j + head, k + head, m + head) for tag, i, j, k, m in middle),
        ("equal", len(old) - tail, len(old), len(new) - tail, len(new)),
    ]
    return [block for block in ends if block[1] < block[2] or block[3] < block[4]], is_coarse


def rows_of(blocks: list[Block], old: list[str], new: list[str]) -> Iterator[DiffRow]:
    for index, (tag, old_from, old_to, new_from, new_to) in enumerate(blocks):
        if tag == "equal":
            yield from equal_rows(new, old_from, new_from, new_to, first=index == 0, last=index == len(blocks) - 1)
            continue
        both = min(old_to - old_from, new_to - new_from)
        for n in range(both):
            yield changed_row(old, new, old_from + n, new_from + n)
        for n in range(old_from + both, old_to):
            yield DiffRow(kind="removed", old=side(n, "", old[n], ""), new=None)
        for n in range(new_from + both, new_to):
            yield DiffRow(kind="added", old=None, new=side(n, "", new[n], ""))


def equal_rows(
    new: list[str], old_from: int, new_from: int, new_to: int, *, first: bool, last: bool
) -> Iterator[DiffRow]:
    """All of a short stretch; of a long one what stands beside a change, and how much is left out."""
    above, below = (0 if first else CONTEXT), (0 if last else CONTEXT)
    hidden = new_to - new_from - above - below
    hidden = hidden if hidden > 1 else 0  # one line takes no more room than the note about it
    for n in range(new_from, new_from + above if hidden else new_to):
        yield equal_row(new, old_from + n - new_from, n)
    if hidden:
        yield DiffRow(kind="gap", old=None, new=None, hidden=hidden)
        for n in range(new_to - below, new_to):
            yield equal_row(new, old_from + n - new_from, n)


def equal_row(new: list[str], old_n: int, new_n: int) -> DiffRow:
    return DiffRow(kind="same", old=side(old_n, new[new_n], "", ""), new=side(new_n, new[new_n], "", ""))


def changed_row(old: list[str], new: list[str], old_n: int, new_n: int) -> DiffRow:
    before, after = old[old_n][:WIDTH], new[new_n][:WIDTH]
    head = common(before, after)
    tail = common(before[head:][::-1], after[head:][::-1])
    if head + tail < ALIKE * max(len(before), len(after)):
        head, tail = max(len(before), len(after)), 0  # two lines that have little in common: no part is marked
    parts = [(text[:head], text[head : len(text) - tail], text[len(text) - tail :]) for text in (before, after)]
    return DiffRow(kind="changed", old=side(old_n, *parts[0]), new=side(new_n, *parts[1]))


def common(one: Sequence[str], two: Sequence[str]) -> int:
    """How many items both begin with."""
    shorter = min(len(one), len(two))
    return next((n for n in range(shorter) if one[n] != two[n]), shorter)


def side(index: int, before: str, changed: str, after: str) -> LineSide:
    return LineSide(number=index + 1, before=cut(before), changed=cut(changed), after=cut(after))


def cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[:WIDTH] + " …"
