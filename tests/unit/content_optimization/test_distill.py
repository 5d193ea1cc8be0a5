"""distill: the judge's networks, its task, its control, and how it reads a student's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return run_in_lab(Path(__file__).with_name("lab_distill.py"))


def test_it_runs_the_students_network_from_its_file(lab: dict[str, Any]) -> None:
    network = lab["network"]
    assert max(network["apart"]) < 1e-5
    assert network["problem"] == ""
    assert network["counts"] == [24 * 12 + 12 + 12 * 10 + 10 + 10 * 8 + 8] * 2


def test_it_counts_the_teacher(lab: dict[str, Any]) -> None:
    assert lab["teacher"] == 24 * 256 + 256 + 256 * 256 + 256 + 256 * 8 + 8


def test_it_measures_the_divergence_by_its_definition(lab: dict[str, Any]) -> None:
    assert lab["divergences"]["difference"] < 1e-6
    assert lab["divergences"]["to itself"] == 0
    assert lab["divergences"]["of infinite logits"] == 20


def test_it_refuses_what_is_no_student(lab: dict[str, Any]) -> None:
    refusals = lab["refusals"]
    assert refusals.pop("fine") == ""
    assert all(refusals.values()), refusals
    assert "float32" in refusals["half"]
    assert "finite" in refusals["nan"]


def test_it_draws_clusters_that_overlap(lab: dict[str, Any]) -> None:
    task = lab["task"]
    assert 0.9 < task["nearest"] < 1
    assert task["classes"] == list(range(8))
    assert task["clusters of a class"] == [8] * 8
    assert task["drawn anew"]


def test_its_control_learns_from_labels_where_it_has_them(lab: dict[str, Any]) -> None:
    assert lab["control"]["many"] > lab["control"]["few"] + 0.1


def test_it_says_which_part_of_the_gap_is_closed(lab: dict[str, Any]) -> None:
    assert lab["gaps"] == pytest.approx([0.75, 0, 0])


def test_the_squared_temperature_keeps_the_gradient_in_proportion(lab: dict[str, Any]) -> None:
    assert lab["soft_loss"]["ratio"] == pytest.approx(1, abs=0.02)
