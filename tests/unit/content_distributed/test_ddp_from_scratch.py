"""ddp_from_scratch: the judge trains what the ranks train, combines what they send, and refuses what is no message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return run_in_lab(Path(__file__).with_name("lab_ddp_from_scratch.py"))


def test_the_solution_passes_on_two_ranks_and_on_four(lab: dict[str, Any]) -> None:
    for run in lab["solution"]:
        assert run["failed"] == []
        assert run["metrics"]["loss_delta"] < 1e-6
        assert run["metrics"]["bytes_ratio"] == 1
        assert run["metrics"]["early_share"] > 0.7


def test_the_starter_fails_with_something_to_do(lab: dict[str, Any]) -> None:
    assert "same_start" in lab["starter"]["failed"]
    assert lab["starter"]["metrics"]["early_share"] == 0


def test_what_waits_for_the_end_is_right_and_late(lab: dict[str, Any]) -> None:
    assert lab["late"]["failed"] == []
    assert lab["late"]["metrics"]["early_share"] == 0


def test_ranks_that_wait_for_each_other_are_told_apart_from_slow_ones(lab: dict[str, Any]) -> None:
    assert lab["hangs"] == {"metrics": {}, "failed": ["collectives_match"]}


def test_the_judges_gradient_is_that_of_the_module(lab: dict[str, Any]) -> None:
    assert lab["gradient"] < 1e-6


def test_the_bytes_needed_are_those_of_the_models_own_parameters(lab: dict[str, Any]) -> None:
    ours, counted = lab["bytes"]
    assert ours == counted


def test_collectives_give_everybody_their_due(lab: dict[str, Any]) -> None:
    combined = lab["combined"]
    assert combined["sum"] == combined["owner"] == [111, 222]
    assert combined["source"] == [10, 20]
    assert combined["others"] == []
    assert "Collective #7 is not the same on all ranks" in combined["mismatch"]


@pytest.mark.parametrize(
    "message", ["words", "unknown", "extra", "negative", "truth", "double", "stranger", "no launch"]
)
def test_a_message_that_wire_would_not_send_is_refused(lab: dict[str, Any], message: str) -> None:
    assert lab["refusals"][message]


def test_a_message_of_wire_is_taken(lab: dict[str, Any]) -> None:
    assert lab["refusals"]["a good one"] == ""
