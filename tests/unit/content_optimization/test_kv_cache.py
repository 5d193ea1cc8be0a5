"""kv_cache: the judge's model, what it counts, which tokens it takes, and the ceilings of the manifest."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[3]
MANIFEST = ROOT / "lessons" / "03_model_optimization" / "exercises" / "kv_cache" / "exercise.toml"
PROMPT, NEW = 12, 20  # of lab_kv_cache.py
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def facts() -> Facts:
    return run_in_lab(Path(__file__).with_name("lab_kv_cache.py"))


def test_its_model_is_the_learners(facts: Facts) -> None:
    assert facts["logits"] < 5e-4  # a tie is 2e-3


def test_it_takes_the_tokens_of_brute_force(facts: Facts) -> None:
    assert facts["decode"]["judged"]["right"] == [True, ""]
    assert facts["decode"]["distinct"] > 3


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("one wrong", "New token 8 of 20 is the first"),
        ("short", "generate returned 19"),
        ("long", "generate returned 21"),
        ("constant", "is the first that is not the model's"),
    ],
)
def test_it_takes_no_others(facts: Facts, name: str, says: str) -> None:
    ok, feedback = facts["decode"]["judged"][name]
    assert not ok
    assert says in feedback


def test_it_takes_token_ids_only(facts: Facts) -> None:
    assert facts["decode"]["refused"] == ["floats", "beyond", "none", "booleans"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("layer", "a layer that the model does not have"),
        ("weights", "must ask for embed, qkv, mix or logits"),
        ("nothing", "logits was asked for 0 positions"),
        ("double", "must be float32"),
        ("nan", "not finite"),
        ("token", "whole numbers from 0 to 63"),
        ("positions", "3 rows and 2 positions"),
        ("shape", "(2, 3, 16)"),
        ("flood", "more than the starter asks for"),
    ],
)
def test_it_answers_its_own_questions_only(facts: Facts, name: str, says: str) -> None:
    assert says in facts["strange"][name]


def test_it_counts_each_position_of_the_solution_once(facts: Facts) -> None:
    solution = facts["solution"]
    assert solution["ok"]
    assert solution["rows"].pop("logits") == NEW
    assert set(solution["rows"].values()) == {PROMPT + NEW - 1}


def test_it_counts_every_pass_of_the_starter(facts: Facts) -> None:
    assert facts["starter"]["ok"]
    assert facts["starter"]["busiest"] == sum(PROMPT + step for step in range(NEW))


def test_it_sees_a_position_that_is_computed_twice(facts: Facts) -> None:
    assert facts["wrong"]["last_token_twice"]["ok"]
    assert facts["wrong"]["last_token_twice"]["busiest"] == PROMPT + 2 * (NEW - 1)


def test_it_sees_wrong_positions_masks_and_models(facts: Facts) -> None:
    wrong = {name for name, found in facts["wrong"].items() if not found["ok"]}
    assert wrong == {
        "causal_mask_for_one_query",
        "cheat_repeats_its_start",
        "cheat_skips_layers",
        "positions_start_at_zero",
    }


@pytest.mark.parametrize("tier", ["smoke", "cpu"])
def test_its_ceiling_is_the_ratio_of_operations(tier: str) -> None:
    """12 C² weights a layer, two operations each; queries and values against every position before."""
    manifest = tomllib.loads(MANIFEST.read_text())
    sizes = manifest["tiers"][tier]["sizes"]
    width, layers, prompt, new = (sizes[name] for name in ("width", "layers", "prompt", "new_tokens"))
    head = 2 * width * sizes["vocabulary"] * new

    def operations(positions: int) -> int:
        return sum(layers * (24 * width**2 + 4 * width * (before + 1)) for before in range(positions))

    ratio = (sum(operations(prompt + step) for step in range(new)) + head) / (operations(prompt + new - 1) + head)
    ceiling = next(metric["ceiling"][tier] for metric in manifest["metric"] if metric["name"] == "speedup")
    assert ratio <= ceiling <= ratio + 0.1
