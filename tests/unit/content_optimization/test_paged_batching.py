"""paged_batching: the judge's pool against brute force, what it counts, and which plans it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def facts() -> Facts:
    return run_in_lab(Path(__file__).with_name("lab_paged_batching.py"))


def test_its_tokens_are_those_of_plain_loops(facts: Facts) -> None:
    assert facts["one_by_one"]


def test_it_finds_positions_through_a_table(facts: Facts) -> None:
    assert facts["places"]


def test_it_counts_steps_and_positions(facts: Facts) -> None:
    """3 + 1 positions, 9, and 4 + 1 + 1; nobody ever waits, so no place is counted as wasted."""
    by_hand = facts["by_hand"]
    assert by_hand["failed"] == {}
    assert (by_hand["steps"], by_hand["computed"]) == (5, 19)
    assert (by_hand["filled"], by_hand["room"]) == (0, 0)


@pytest.mark.parametrize("name", ["good", "more room"])
def test_it_takes_tables_with_room(facts: Facts, name: str) -> None:
    assert facts["problems"][name] == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nobody", "nobody is in the plan"),
        ("stranger", "it has ended, or not come"),
        ("twice", "in the plan twice"),
        ("short", "9 positions, and a table of 1 blocks"),
        ("beyond", "from 0 to 63"),
        ("negative", "from 0 to 63"),
        ("boolean", "from 0 to 63"),
        ("shared", "block 4 is in the tables of requests 1 and 2"),
        ("same block", "block 3 is in the tables of requests 2 and 2"),
    ],
)
def test_it_says_what_is_wrong_with_a_plan(facts: Facts, name: str, says: str) -> None:
    assert says in facts["problems"][name]


def test_it_wants_a_list_of_pairs(facts: Facts) -> None:
    assert facts["refused"] == [True] * 4


def test_it_tells_the_solution_from_the_starter(facts: Facts) -> None:
    solution, starter = (facts["submissions"][name] for name in ("solution", "starter"))
    assert solution["failed"] == starter["failed"] == {}
    assert solution["filled"] / solution["room"] > 0.8  # few blocks: the rests weigh more
    assert starter["filled"] / starter["room"] < 0.4
    assert starter["computed"] == starter["needed"] <= solution["computed"]


def test_it_sees_a_table_that_moved(facts: Facts) -> None:
    assert list(facts["submissions"]["wrong/moves_its_blocks"]["failed"]) == ["same_tokens"]


@pytest.mark.parametrize("name", ["block_too_late", "cheat_shares_a_block", "gives_back_twice", "never_gives_back"])
def test_it_sees_wrong_tables(facts: Facts, name: str) -> None:
    assert list(facts["submissions"][f"wrong/{name}"]["failed"]) == ["tables"]


@pytest.mark.parametrize("name", ["starter", "solution", "wrong/cheat_takes_turns", "wrong/throws_out_the_oldest"])
def test_its_tally_is_that_of_the_plans(facts: Facts, name: str) -> None:
    found = facts["submissions"][name]
    assert found["again"] == {key: found[key] for key in ("steps", "filled", "room", "computed")}


def test_throwing_out_is_counted(facts: Facts) -> None:
    for name in ("cheat_takes_turns", "throws_out_the_oldest"):
        found = facts["submissions"][f"wrong/{name}"]
        assert found["failed"] == {}
        assert found["computed"] > 1.1 * found["needed"]
