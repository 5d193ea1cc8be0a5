"""Two versions beside each other: what is shown is what changed, and no file makes it slow."""

from __future__ import annotations

import time
from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.submissions import diffs
from webapp.submissions.contexts_history import DiffRow, FileDiff
from webapp.submissions.diffs import file_diff, file_diffs

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "  d"]), max_size=30).map("\n".join)


def rows(old: str, new: str) -> list[tuple[str, int | None, int | None]]:
    found = file_diff("f", old, new).rows
    return [(row.kind, row.old and row.old.number, row.new and row.new.number) for row in found]


def test_it_pairs_what_changed_and_marks_the_part() -> None:
    changed = file_diff("f", "x = 1\ny = 2\n", "x = 1\ny = 20 + 2\n")
    assert (changed.added, changed.removed) == (1, 1)
    row = changed.rows[1]
    assert row.kind == "changed"
    assert row.old is not None
    assert row.new is not None
    assert (row.old.before, row.old.changed, row.old.after) == ("y = 2", "", "")
    assert (row.new.before, row.new.changed, row.new.after) == ("y = 2", "0 + 2", "")


def test_it_folds_what_is_equal_far_from_changes() -> None:
    lines = [f"line {n}" for n in range(1, 41)]
    new = [*lines[:19], "new", *lines[20:]]
    found = rows("\n".join(lines), "\n".join(new))
    assert found[0] == ("gap", None, None)
    assert file_diff("f", "\n".join(lines), "\n".join(new)).rows[0].hidden == 16
    assert [row for row in found if row[0] == "changed"] == [("changed", 20, 20)]
    assert found[1:4] == [("same", 17, 17), ("same", 18, 18), ("same", 19, 19)]
    assert found[-1][0] == "gap"


def test_equal_files_show_nothing_and_new_ones_everything() -> None:
    assert rows("a\nb\n", "a\nb\n") == []
    assert rows("a", "a\n") == []  # an end of line is no line
    assert rows("", "a\nb\n") == [("added", None, 1), ("added", None, 2)]
    assert [diff.name for diff in file_diffs({"gone.py": "1"}, {"b.py": "", "a.py": ""})] == ["b.py", "a.py", "gone.py"]


def side_text(found: FileDiff, name: str) -> list[str]:
    sides = [getattr(row, name) for row in found.rows]
    return [side.before + side.changed + side.after for side in sides if side is not None]


@given(TEXTS, TEXTS)
def test_nothing_is_lost_between_the_folds(old: str, new: str) -> None:
    """With the folds open, either column reads as its file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diffs, "CONTEXT", 10_000)
        found = file_diff("f", old, new)
    if diffs.lines_of(old) == diffs.lines_of(new):
        assert not found.rows
        return
    assert side_text(found, "old") == diffs.lines_of(old)
    assert side_text(found, "new") == diffs.lines_of(new)


@given(TEXTS, TEXTS)
def test_folds_count_what_they_hide(old: str, new: str) -> None:
    found = file_diff("f", old, new)
    hidden = sum(row.hidden for row in found.rows)
    if found.rows:
        assert len(side_text(found, "new")) + hidden == len(diffs.lines_of(new))


def longest(rows: tuple[DiffRow, ...]) -> int:
    sides = [side for row in rows for side in (row.old, row.new) if side is not None]
    return max(len(side.before + side.changed + side.after) for side in sides)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n".join(["x", "y"] * 30_000), "\n".join(["y", "z"] * 30_000)),
        ("\n".join(f"{n % 7}" for n in range(1000)), "\n".join(f"{n % 5}" for n in range(1000))),
        ("a" * 1_000_000, "b" * 1_000_000),
        ("\n" * 1_000_000, ""),
        ("a\n" * 500_000, "a\n" * 499_999 + "b\n"),
    ],
)
def test_no_file_makes_it_slow_or_large(old: str, new: str) -> None:
    began = time.process_time()
    found = file_diff("f", old, new)
    assert time.process_time() - began < 3
    assert 0 < len(found.rows) <= diffs.ROWS
    assert longest(found.rows) <= 2 * diffs.WIDTH


def test_what_is_too_different_is_shown_whole_and_says_so() -> None:
    """The control: as large, but alike at both ends, it is compared line by line."""
    many = [f"line {n}" for n in range(5_000)]
    assert file_diff("f", "\n".join(many), "\n".join(reversed(many))).is_coarse
    alike = file_diff("f", "\n".join(many), "\n".join([*many[:2_500], "new", *many[2_500:]]))
    assert not alike.is_coarse
    assert (alike.added, alike.removed) == (1, 0)
    assert SequenceMatcher(None, many, many[:-1]).ratio() > 0.99
