"""train_gpt_multirank: the judge's steps are the learner's, it reads checkpoints strictly, its plans are right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lessons.loader import load_course
from tests.in_lab import run_in_lab


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return run_in_lab(Path(__file__).with_name("lab_train_gpt_multirank.py"))


@pytest.mark.lab
def test_the_judge_steps_as_torch_does(lab: dict[str, Any]) -> None:
    assert lab["learners"] < 1e-5


@pytest.mark.lab
def test_an_error_is_relative_to_the_way(lab: dict[str, Any]) -> None:
    assert lab["same"] == {"weight": 0, "exp_avg": 0, "exp_avg_sq": 0}
    assert lab["untrained"] == pytest.approx({"weight": 1, "exp_avg": 1, "exp_avg_sq": 1})


@pytest.mark.lab
def test_moments_in_sixteen_bits_show(lab: dict[str, Any]) -> None:
    assert lab["rounded"] > 5 * lab["same_limits"]["smoke"]


@pytest.mark.lab
def test_a_checkpoint_survives_writing_and_reading(lab: dict[str, Any]) -> None:
    assert lab["round_trip"]
    assert lab["ranges"]
    assert lab["ours"]


@pytest.mark.lab
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("unsharded", "every rank writes its share"),
        ("twice", "another piece has"),
        ("hole", "no rank wrote"),
        ("nan", "not finite"),
        ("16 bits", "no float32 piece"),
        ("beyond", "ends beyond"),
        ("stranger", "no float32 piece of a parameter"),
        ("nowhere", "no float32 piece of a parameter"),
    ],
)
def test_what_is_no_checkpoint_is_refused(lab: dict[str, Any], what: str, words: str) -> None:
    assert lab["refusals"]["none"] == ""
    assert words in lab["refusals"][what]


@pytest.mark.lab
def test_two_ways_to_the_plan_agree(lab: dict[str, Any]) -> None:
    plans = lab["plans"]
    assert plans["agree"]
    assert plans["stages"] == [0, 1, 2, 3] or plans["stages"] == [1, 2, 3]
    assert 0 < plans["nothing_fits"] < 200


@pytest.mark.lab
def test_seven_billion_on_64_gpus_by_hand(lab: dict[str, Any]) -> None:
    """ZeRO-1 holds 28 + 84/64 GB; 8 sequences of (2 × 32 + 34) × 4096 × 4096 bytes; 4/3 × (42 + 6.44) GFLOP a token."""
    plan = lab["plans"]["seven"]
    assert (plan["stage"], plan["micro_batch"], plan["rounds"]) == (1, 8, 1)
    assert plan["bytes_per_gpu"] == pytest.approx(29.3125e9 + 13.153e9, rel=1e-3)
    assert plan["step_seconds"] == pytest.approx(4.28, rel=1e-2)
    assert plan["days"] == pytest.approx(3.307, rel=1e-2)
    assert plan["dollars"] == pytest.approx(12_700, rel=1e-2)


@pytest.mark.lab
def test_a_plan_is_right_within_two_percent_and_is_made_of_numbers(lab: dict[str, Any]) -> None:
    plans = lab["plans"]
    assert plans["off_by_1_percent"]
    assert not plans["off_by_3_percent"]
    assert not plans["none_where_one_fits"]
    assert all(plans["refused"])


def test_the_marks_lie_between_what_is_sharded_and_what_is_not() -> None:
    """Four ranks: 12/4 of state and 12/4 of files where it is saved; whole weights in the step take 4 + 4."""
    exercise = load_course().exercise("01_distributed_training", "train_gpt_multirank")
    assert exercise is not None
    metrics = {spec.name: spec for spec in exercise.manifest.metric}
    for tier in ("smoke", "cpu"):
        assert 12 / 4 + 12 / 4 < metrics["bytes_per_parameter"].passing[tier] < 16 / 4 + 4
        assert metrics["bytes_per_parameter"].ceiling[tier] <= 16 / 4


@pytest.mark.lab
def test_the_gate_and_the_metric_have_one_limit(lab: dict[str, Any]) -> None:
    exercise = load_course().exercise("01_distributed_training", "train_gpt_multirank")
    assert exercise is not None
    (error,) = (spec for spec in exercise.manifest.metric if spec.name == "state_error")
    assert {tier: error.passing[tier] for tier in ("smoke", "cpu")} == lab["same_limits"]
