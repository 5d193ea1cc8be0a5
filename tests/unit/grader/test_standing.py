"""Where ranks stood when they hung: nothing but the guest's form is read, and no word of the learner's is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from grader.standing import describe_hang, read_positions
from sandbox.guest.positions import Position


def at(**values: Any) -> Position:
    start: dict[str, Any] = {
        "op": "all_gather",
        "waits": True,
        "number": 37,
        "group": 0,
        "count": 37,
        "since_s": 31,
        "file": "main.py",
        "line": 5,
    }
    return Position(**{**start, **values})  # type: ignore[typeddict-item]


def test_it_reads_what_the_guest_sends():
    sent = [at(), None]
    assert read_positions(json.dumps(sent).encode(), 2) == sent


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"null", b"[]", b"[null]", b"[null,null,null]", b"[null,3]", b'[null,{"op":"all_gather"}]', b"\xff",
     b"[" * 30_000, json.dumps([None, {**at(), "op": "<b>"}]).encode(), json.dumps([None, {**at(), "x": 1}]).encode()],
)  # fmt: skip
def test_it_refuses_another_form(payload):
    with pytest.raises(ValueError, match=r"position|Expecting|decode|utf"):
        read_positions(payload, 2)


def test_it_names_who_waits_for_what():
    text = describe_hang([0, None], [None, at()], {"main.py"})
    assert text == "rank 0 has ended; rank 1 waits in all_gather #37 (for 31 s, main.py line 5)."


@pytest.mark.parametrize(
    ("position", "text"),
    [
        (None, "does not answer"),
        (at(file="other.py"), "waits in all_gather #37 (for 31 s)"),
        (at(file=None, since_s=0), "waits in all_gather #37"),
        (at(group=2, since_s=0), "waits in all_gather #37 of group 2 (main.py line 5)"),
        (at(op="recv", number=0, since_s=0), "waits in recv (main.py line 5)"),
        (at(op=None, waits=False), "is in no collective (main.py line 5)"),
        (at(waits=False), "is in no collective (main.py line 5, its last was all_gather #37)"),
    ],
)
def test_it_says_of_a_rank_that_it(position, text):
    assert describe_hang([None], [position], {"main.py"}) == f"rank 0 {text}."


@pytest.mark.parametrize(
    ("other", "disagree"),
    [
        (at(), False),
        (at(number=36), True),
        (at(op="broadcast"), True),
        (at(op="broadcast", group=1), False),
        (at(op="broadcast", waits=False), False),
        (at(op="recv", number=0), False),
    ],
)
def test_it_says_when_ranks_disagree(other, disagree):
    text = describe_hang([None, None], [at(), other], {"main.py"})
    assert text.endswith("They disagree about the next collective.") == disagree


def test_it_is_short_for_many_ranks():
    text = describe_hang([None] * 64, [at()] * 64, {"main.py"})
    assert "rank 15 " in text
    assert text.endswith("; and 48 more.")
