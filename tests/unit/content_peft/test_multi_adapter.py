"""multi_adapter: the judge counts the base's forwards and rows, and computes each row alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return run_in_lab(Path(__file__).with_name("lab_multi_adapter.py"))


def test_a_row_alone_is_what_merged_layers_make_of_it(lab):
    assert lab["by_torch"] < 1e-12


def test_the_solution_asks_once_and_is_exact(lab):
    found = lab["graded"]["solution"]
    assert (found["base_forwards"], found["base_rows"]) == (1, 1)
    assert found["max_diff"] < 3e-6


def test_the_starter_is_exact_and_asks_for_every_row(lab):
    found = lab["graded"]["starter"]
    assert found["base_forwards"] == 24
    assert found["max_diff"] < 3e-6


@pytest.mark.parametrize(
    ("name", "metric", "bar"),
    [
        ("one_forward_per_adapter", "base_forwards", 2),
        ("every_adapter_on_every_row", "base_rows", 2),
        ("cheat_packs_the_forwards", "base_rows", 2),
        ("cheat_steals_the_base", "base_rows", 2),
        ("cheat_never_asks", "max_diff", 0.01),
        ("no_adapter_is_the_last", "max_diff", 0.01),
        ("one_scale_for_all", "max_diff", 0.01),
        ("rows_stay_sorted", "max_diff", 0.01),
    ],
)
def test_each_wrong_way_shows_in_its_metric(lab, name, metric, bar):
    assert lab["graded"][f"wrong/{name}"][metric] >= bar


def test_a_request_is_read(lab):
    assert lab["refusals"]["request"] == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("layer", "there are 3"),
        ("true", "there are 3"),
        ("width", "shape"),
        ("doubles", "float32"),
        ("nan", "finite"),
        ("both", "must yield"),
    ],
)
def test_another_request_is_refused(lab, name, says):
    assert says in lab["refusals"][name]
