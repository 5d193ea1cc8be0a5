"""speculative: the judge's target with its cache, what it counts and refuses, and the solution's loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab

NEW = 20


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return run_in_lab(Path(__file__).parent / "lab_speculative.py")


def test_it_computes_the_model_with_a_cache_that_is_written_over(lab: dict[str, Any]) -> None:
    assert lab["cache"]["difference"] < 1e-4


@pytest.mark.parametrize("guesses", ["none", "right", "wrong", "half", "own"])
def test_it_says_the_same_whatever_is_guessed(lab: dict[str, Any], guesses: str) -> None:
    assert lab["guessing"][guesses]["same"]


def test_it_counts_forwards_and_positions(lab: dict[str, Any]) -> None:
    guessing = lab["guessing"]
    assert (guessing["none"]["forwards"], guessing["none"]["positions"]) == (NEW, NEW)
    # Eight guesses and one token of the target's own: 9 + 9 + 2.
    assert (guessing["right"]["forwards"], guessing["right"]["positions"]) == (3, NEW)
    # Each forward brings one token; of n that are missing n are computed, nine at most.
    assert guessing["wrong"]["forwards"] == NEW
    assert guessing["wrong"]["positions"] == sum(min(9, missing) for missing in range(1, NEW + 1))
    assert 3 < guessing["half"]["forwards"] < NEW


def test_it_refuses_what_is_no_forward(lab: dict[str, Any]) -> None:
    refusals = lab["refusals"]
    assert [refusals.pop(name) for name in ("fine", "from the beginning")] == ["", ""]
    assert all(refusals.values()), refusals
    assert "9 at most" in refusals["ten tokens"]
    assert "the answer ends at" in refusals["beyond the answer"]
    assert "twice as many" in refusals["without end"]


def test_it_finds_the_first_token_that_is_not_the_targets(lab: dict[str, Any]) -> None:
    verdicts = lab["verdicts"]
    assert {name: ok for name, (ok, _) in verdicts.items()} == {
        "right": True,
        "changed": False,
        "short": False,
        "long": False,
    }
    assert verdicts["changed"][1].startswith("New token 6 of 20 is the first")


def test_it_uses_the_prompts_whose_answers_repeat_themselves_least(lab: dict[str, Any]) -> None:
    assert lab["choosing"] == {"greedy": True, "grams": True, "chosen": True}


def test_the_solution_counts_followers(lab: dict[str, Any]) -> None:
    assert lab["tables"]


def test_the_toy_target_keeps_a_cache_like_the_judges(lab: dict[str, Any]) -> None:
    assert lab["toy"]
