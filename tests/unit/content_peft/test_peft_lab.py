"""Lesson 2's cells and one_percent's judge, held against brute force in the lab."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.lab

Facts = dict[str, Any]


def test_it_counts_pairs_as_their_tensors(lab_facts: Facts) -> None:
    assert lab_facts["counts"]["formula"] == lab_facts["counts"]["brute"] == [460_800, 921_600, 2_442_240]


def test_it_starts_at_the_base_with_one_dead_gradient(lab_facts: Facts) -> None:
    assert lab_facts["lora"]["at_start"]
    assert lab_facts["lora"]["grad_a"] == 0
    assert lab_facts["lora"]["grad_b"] > 0


def test_it_has_the_gradients_of_the_text(lab_facts: Facts) -> None:
    assert lab_facts["lora"]["gradcheck"] == [True, True]


def test_it_merges_without_a_difference(lab_facts: Facts) -> None:
    assert lab_facts["lora"]["merge"] < 1e-12


def test_it_quantises_to_the_nearest_level(lab_facts: Facts) -> None:
    assert lab_facts["quantisation"]["worst"] < 1e-6


@pytest.mark.parametrize("title", ["pair", "delta", "half"])
def test_it_takes_good_adapters(lab_facts: Facts, title: str) -> None:
    assert lab_facts["adapters"][title] == []


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("nothing", "holds no tensor"),
        ("no partner", "come in pairs"),
        ("ranks differ", "must be (r, 32) and (32, r)"),
        ("rank zero", "must be (r, 32)"),
        ("swapped", "must be (r, 32)"),
        ("not finite", "NaN or infinity"),
        ("infinite", "NaN or infinity"),
        ("wrong shape", "the parameter has (32,)"),
        ("whole numbers", "dtype"),
        ("double", "dtype"),
        ("unknown module", "no linear module"),
        ("tied head", "no such parameter"),
        ("norm as a pair", "no linear module"),
        ("prefix", "names end in"),
    ],
)
def test_it_refuses_what_is_no_adapter(lab_facts: Facts, title: str, says: str) -> None:
    problems = lab_facts["adapters"][title]
    assert problems
    assert says in problems[0]


def test_it_adds_exactly_the_product(lab_facts: Facts) -> None:
    merging = lab_facts["merging"]
    assert merging["difference"] < 1e-5
    assert merging["touched"] == ["model.layers.1.self_attn.q_proj.weight", "model.norm.weight"]
    assert merging["elements"] == 2 * 32 + 32 * 2 + 32


def test_it_scores_as_greedy_decoding_writes(lab_facts: Facts) -> None:
    assert lab_facts["scoring"]["exact"] == lab_facts["scoring"]["greedy"] == 6


def test_it_counts_nothing_as_right_when_logits_are_not_finite(lab_facts: Facts) -> None:
    assert lab_facts["scoring"]["not_finite"] == 0


def test_it_draws_a_task_per_run_and_holds_combinations_back(lab_facts: Facts) -> None:
    tasks = lab_facts["tasks"]
    assert tasks["sizes"] == tasks["combinations"] == [480, 200]
    assert tasks["shared"] == 0
    assert tasks["same seed"]
    assert not tasks["other seed"]


def test_it_shows_every_code_word_in_training(lab_facts: Facts) -> None:
    assert lab_facts["tasks"]["codes"] == 18
    assert lab_facts["tasks"]["held-out words unseen"] == []
