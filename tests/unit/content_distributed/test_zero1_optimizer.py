"""zero1_optimizer: the exchange gives each rank its due, the bytes are the real ones, the result is one process's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return run_in_lab(Path(__file__).with_name("lab_zero1_optimizer.py"))


def test_the_solution_is_exact_and_keeps_its_share(lab: dict[str, Any]) -> None:
    for run, share in zip(lab["solution"], (0.5, 0.25), strict=True):
        assert run["failed"] == []
        assert run["metrics"]["error"] < 1e-5
        assert run["metrics"]["error_after_the_move"] < 1e-5
        assert run["metrics"]["state_ratio"] == pytest.approx(share, abs=0.01)
        assert run["metrics"]["traffic_ratio"] == 1


def test_the_starter_is_right_and_keeps_all(lab: dict[str, Any]) -> None:
    run = lab["starter"]
    assert run["failed"] == []
    assert run["metrics"]["error_after_the_move"] < 1e-5
    assert run["metrics"]["state_ratio"] == run["metrics"]["traffic_ratio"] == 1


def test_whole_parameters_are_shared_unevenly(lab: dict[str, Any]) -> None:
    assert lab["whole"]["metrics"]["error"] < 1e-5
    assert lab["whole"]["metrics"]["state_ratio"] > 0.55


def test_moments_of_16_bits_show_after_the_move(lab: dict[str, Any]) -> None:
    metrics = lab["half"]["metrics"]
    assert metrics["error"] < 1e-5
    assert metrics["error_after_the_move"] > 2e-4


def test_the_exchange_gives_each_rank_its_due_once(lab: dict[str, Any]) -> None:
    exchange = lab["exchange"]
    assert exchange["early"] == []  # the other rank has not launched it
    assert exchange["owner"] == [[11, 22], []]
    assert exchange["other"] == [[], [5, 6]]
    assert exchange["kept"] == 0
    assert "once" in exchange["again"]
    assert "Collective #2 is not the same on all ranks" in exchange["mismatch"]
    assert exchange["bytes"] == 3 * 8
    assert exchange["short"]
    assert exchange["unknown"]
    assert exchange["order"]


def test_bytes_are_those_of_a_real_optimizer(lab: dict[str, Any]) -> None:
    for ours, counted in (lab["formulas"]["unsharded"], lab["formulas"]["needed"]):
        assert ours == counted


def test_the_distance_is_a_share_of_what_was_learnt(lab: dict[str, Any]) -> None:
    formulas = lab["formulas"]
    assert formulas["same"] == 0
    assert formulas["start"] == pytest.approx(1, abs=1e-6)
    assert formulas["half"] == pytest.approx(0.5, abs=1e-3)
    assert formulas["nan"] == 1000


def test_both_exercises_have_the_same_wire(lab: dict[str, Any]) -> None:
    assert lab["wire"]
