"""int8_weights: the judge's reading of an answer, its stretched models, and the model that the course ships."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def facts() -> Facts:
    return run_in_lab(Path(__file__).with_name("lab_int8_weights.py"))


def test_it_restores_by_the_formula_of_the_prompt(facts: Facts) -> None:
    assert facts["restoring"] == [True] * 10


@pytest.mark.parametrize("name", ["good", "good array", "vector array"])
def test_it_takes_both_forms(facts: Facts, name: str) -> None:
    assert facts["problems"][name] == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("vector in eight bits", "is a vector"),
        ("unsigned", "no int8 array: uint8"),
        ("list", "no int8 array: list"),
        ("number", "no array: float"),
        ("transposed", "must be (6, 8)"),
        ("three groups", "8 % groups == 0"),
        ("no group", "8 % groups == 0"),
        ("flat scale", "(1 or 6, groups)"),
        ("double", "must be float16 or float32"),
        ("nan", "not finite"),
        ("infinite", "not finite"),
        ("more", "exactly the keys q and scale"),
        ("text", "must be an array, or a dict"),
    ],
)
def test_it_says_what_is_wrong_with_an_entry(facts: Facts, name: str, says: str) -> None:
    assert says in facts["problems"][name]


def test_it_wants_every_tensor_and_no_other(facts: Facts) -> None:
    refusals = facts["refusals"]
    assert "returned a NoneType" in refusals["none"]
    assert refusals["missing"] == "'a' is missing"
    assert refusals["strange"] == "the model has no tensor 'b'"


def test_it_ships_the_listed_models(facts: Facts) -> None:
    assert facts["faults"] == []
    assert facts["hidden_text"]["sha256"], "the judge was made for another file"
    assert facts["model"]["parameters"] == 256 * 192 * 2 + 4 * 12 * 192**2 + 9 * 192


def test_it_draws_hidden_text_that_the_model_was_not_trained_on(facts: Facts) -> None:
    assert facts["hidden_text"]["same"]
    assert facts["hidden_text"]["files"] > 10


def test_it_computes_what_the_trainer_computed(facts: Facts) -> None:
    assert facts["model"]["forward"] < 1e-4
    assert facts["model"]["bits"] < 3


def test_it_stretches_ranges_and_not_the_function(facts: Facts) -> None:
    assert facts["model"]["stretched"] < 1e-5
    assert facts["model"]["largest row"] > 4


def test_it_finds_the_solution_good(facts: Facts) -> None:
    model = facts["model"]
    assert model["problems"] == []
    assert model["bytes"] == pytest.approx((1 + 2 / 32) / 4, abs=0.001)
    assert model["increase"] < 0.3
