"""lora_layer: the judge's gradients beside autograd's, and what it says of fresh layers, dropouts and answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return run_in_lab(Path(__file__).with_name("lab_lora_layer.py"))


def test_the_judge_descends_as_autograd_does(lab):
    assert lab["steps"] < 1e-10


def test_right_dropout_is_never_refused(lab):
    assert set(lab["dropout"]["right"]) == {""}


@pytest.mark.parametrize(
    ("name", "says"),
    [("none", "nothing is dropped"), ("base_too", "vary"), ("other_rate", "vary"), ("not_scaled", "in training mode")],
)
def test_every_wrong_dropout_is_noticed_on_every_draw(lab, name, says):
    assert all(says in text for text in lab["dropout"][name])


@pytest.mark.parametrize("name", ["good", "uniform"])
def test_usual_fresh_factors_are_good(lab, name):
    assert lab["fresh"][name] == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("b_not_zero", "not zero"),
        ("a_zero", "1 / sqrt"),
        ("constant", "repeat"),
        ("again", "the same lora_A"),
        ("nan", "1 / sqrt"),
    ],
)
def test_fresh_factors_that_cannot_learn_are_named(lab, name, says):
    assert says in lab["fresh"][name]


def test_a_state_of_the_right_names_and_shapes_is_read(lab):
    assert lab["refusals"]["good"] == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("extra", "exactly"),
        ("missing", "exactly"),
        ("full_rank", "shape"),
        ("doubles", "float32"),
        ("text", "exactly"),
    ],
)
def test_another_state_is_refused(lab, name, says):
    assert says in lab["refusals"][name]


def test_judge_and_harness_draw_the_same_wide_weight(lab):
    assert lab["wide"]


def test_what_is_no_number_is_far_off(lab):
    assert lab["diverged"] == 1e6
