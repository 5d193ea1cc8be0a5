"""adalora: what its judge draws, merges, counts and refuses, held against brute force in the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def facts() -> Facts:
    return run_in_lab(Path(__file__).with_name("lab_adalora.py"))


def test_it_runs_the_network_of_the_kit(facts: Facts) -> None:
    assert facts["networks"] < 1e-5


def test_it_draws_changes_of_the_rank_and_size_that_it_says(facts: Facts) -> None:
    assert facts["changes"]["values"] == pytest.approx([0.9] * 5, abs=1e-4)
    assert facts["changes"]["rest"] < 1e-5


def test_it_draws_ranks_within_the_budget(facts: Facts) -> None:
    assert facts["changes"]["most"]["12"] <= 24
    assert facts["changes"]["most"]["16"] <= 32
    assert facts["changes"]["least"] >= 1
    assert facts["changes"]["kinds"] > 8


def test_it_scores_the_base_as_nothing(facts: Facts) -> None:
    assert facts["scores"]["base"] == 0
    assert facts["scores"]["mad"] == -10


def test_its_fixed_ranks_learn_a_part(facts: Facts) -> None:
    assert 0.1 < facts["scores"]["fixed"] < 1


def test_it_draws_a_task_per_run(facts: Facts) -> None:
    assert facts["scores"]["same seed"] == 1
    assert facts["scores"]["other seed"] == 0


def test_it_adds_exactly_the_product(facts: Facts) -> None:
    assert facts["merging"]["difference"] < 1e-5
    assert facts["merging"]["rest"]
    assert facts["merging"]["ranks"] == 3


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("nothing", "holds no tensor"),
        ("no partner", "come in pairs"),
        ("ranks differ", "must be (r, 6) and (4, r)"),
        ("rank zero", "must be (r, 6) and (4, r)"),
        ("unknown module", "no lora_A or lora_B"),
        ("singular values", "no lora_A or lora_B"),
        ("not finite", "finite"),
        ("whole numbers", "floating-point"),
    ],
)
def test_it_refuses_what_is_no_adapter(facts: Facts, title: str, says: str) -> None:
    assert facts["problems"]["pair"] == ""
    assert says in facts["problems"][title]
