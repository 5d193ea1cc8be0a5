"""elastic_resume: the judge's training is that of the learner's model, and only a whole checkpoint is accepted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return run_in_lab(Path(__file__).with_name("lab_elastic_resume.py"))


def test_the_judge_computes_what_the_learners_model_does(lab):
    assert lab["kit"]["loss"] < 1e-6
    assert lab["kit"]["gradient"] < 1e-6
    assert lab["kit"]["rate"] == 0


def test_training_learns_something_and_the_stop_is_drawn(lab):
    before, after = lab["learnt"]
    assert after < before
    assert lab["stops"] == [2, 3, 4]


@pytest.mark.parametrize("ranks", ["1", "2", "3", "4"])
def test_shards_of_any_number_of_ranks_are_put_together(lab, ranks):
    assert lab["reads"][ranks] == 0


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nothing", "there is none of its files"),
        ("one of two", "50% is missing"),
        ("twice", "more than once"),
        ("step", "'step' is [3], and 4 steps are done"),
        ("no step", "is missing"),
        ("16 bits", "F16, not F32"),
        ("outside", "does not fit"),
        ("negative", "does not fit"),
        ("flat", "does not fit"),
        ("no place", "does not say where its rows belong"),
        ("number", "does not say where its rows belong"),
        ("no header", "does not say where its rows belong"),
        ("stranger", "not part of the format"),
    ],
)
def test_what_is_no_whole_checkpoint_is_refused(lab, what, words):
    assert words in lab["refusals"][what]


def test_the_error_is_a_share_of_what_was_learnt(lab):
    errors = lab["errors"]
    assert errors["same"] == 0
    assert errors["half way"] == pytest.approx(0.5, abs=1e-6)
    assert errors["stopped"] == pytest.approx(1, abs=1e-6)
    assert errors["no moments"] == pytest.approx(1, abs=1e-6)
    assert errors["nan"] == 1000
