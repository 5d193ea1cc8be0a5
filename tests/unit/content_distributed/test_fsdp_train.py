"""fsdp_train: the judge's training is that of the learner's model, and its values come from every rank once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lessons.loader import load_course
from tests.in_lab import run_in_lab

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return run_in_lab(Path(__file__).with_name("lab_fsdp_train.py"))


@pytest.mark.lab
def test_shards_that_do_not_divide_report_every_value_once(lab):
    assert lab["reported"] == 0
    assert lab["moments"] == 0


@pytest.mark.lab
def test_the_judge_trains_as_the_learners_model_does(lab):
    assert lab["one_process"] < 1e-5
    assert lab["untrained"] == pytest.approx(1)
    assert lab["params"][0] == lab["params"][1]


@pytest.mark.lab
def test_sixteen_bits_show_even_in_the_moments_alone(lab):
    """bfloat16 has 8 bits: a rounding error of up to 2^-9, about 1.1e-3 on average."""
    assert 5e-4 < lab["moments_in_16_bits"] < 2**-9


@pytest.mark.lab
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("missing", "are missing"),
        ("twice", "more than once"),
        ("stranger", "not asked for"),
        ("half", "half of it"),
        ("16 bits", "the values are F16"),
        ("lengths", "one for each"),
        ("outside", "not asked for"),
        ("negative", "not asked for"),
        ("nan", "NaN"),
    ],
)
def test_values_that_were_not_asked_for_are_refused(lab, what, words):
    assert words in lab["refusals"][what]


def test_the_thresholds_lie_between_what_is_sharded_and_what_is_not():
    """16 bytes of which N - 1 of N are saved; gathered weights add 4 on each rank, gathered gradients 4 more."""
    exercise = load_course().exercise("01_distributed_training", "fsdp_train")
    assert exercise is not None
    (share,) = (spec for spec in exercise.manifest.metric if spec.name == "memory_share")
    for tier in ("smoke", "cpu"):
        ranks = exercise.manifest.tiers[tier].sizes["ranks"]
        sharded, gathered = 1 / ranks, (16 + 4 * ranks) / (16 * ranks)
        assert share.ceiling[tier] < sharded < share.passing[tier] - 0.1
        assert share.passing[tier] < gathered - 0.09
