"""five_x: how the judge reads a text, which turns count, and that the solution writes what the reference writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def facts() -> Facts:
    return run_in_lab(Path(__file__).with_name("lab_five_x.py"))


def test_its_solution_writes_the_reference_text(facts: Facts) -> None:
    assert facts["texts"]["same"]


def test_it_agrees_with_the_reference_in_every_byte(facts: Facts) -> None:
    assert facts["texts"]["agrees"]
    assert facts["texts"]["loss"] == pytest.approx(0, abs=1e-6)


def test_it_weighs_a_text_as_byte_by_byte_passes_do(facts: Facts) -> None:
    assert facts["texts"]["brute"] < 1e-2


def test_it_blames_the_byte_that_differs_and_none_before(facts: Facts) -> None:
    assert facts["texts"]["first difference"] == 10
    assert facts["texts"]["before it"]
    assert facts["texts"]["worse"] != 0


def test_its_noise_samples_from_the_softmax(facts: Facts) -> None:
    assert facts["sampling"] < 0.022  # four standard errors of 8,000 draws


def test_it_leaves_the_first_turn_of_each_side_out(facts: Facts) -> None:
    turns = facts["turns"]
    assert turns["first"] == ["baseline", "candidate", "repeat"]
    assert (turns["turns"], turns["rounds"]) == (3 + 5 * 3, 5)
    assert turns["speedup"] == pytest.approx(10)


def test_it_computes_quality_by_hand(facts: Facts) -> None:
    quality = facts["quality"]
    assert quality["agreement"] == pytest.approx(7 / 8)
    assert quality["whole_texts"] == pytest.approx(1 / 2)
    assert quality["quality_loss"] == pytest.approx(100 * 0.5 / 8)
    assert quality["surprisal"] == pytest.approx(8.5 / 8)


def test_it_times_an_honest_engine_on_questions_that_are_never_the_same(facts: Facts) -> None:
    run = facts["runs"]["generate"]
    assert run["checks"] == {"byte_count": True, "same_model": True, "text_is_alive": True}
    assert run["metrics"]["speedup"] == pytest.approx(6)
    assert run["metrics"]["agreement"] == 1
    assert run["metrics"]["bytes_per_cpu_second"] == pytest.approx(16)
    assert run["metrics"]["quality_loss"] == pytest.approx(0, abs=1e-6)
    assert (run["asked"], run["alike"]) == (2 + 5, 0)


@pytest.mark.parametrize("engine", ["spaces", "greedy"])
def test_it_times_nothing_that_another_model_wrote(facts: Facts, engine: str) -> None:
    run = facts["runs"][engine]
    assert run["checks"]["same_model"] is False
    assert "speedup" not in run["metrics"]
    assert run["metrics"]["agreement"] < 0.75


def test_it_times_an_engine_that_is_nearly_right_and_says_how_nearly(facts: Facts) -> None:
    run = facts["runs"]["some_bytes_off"]
    assert run["checks"]["same_model"]
    assert run["metrics"]["agreement"] == pytest.approx(14 / 16, abs=0.01)
    assert run["metrics"]["quality_loss"] > 5


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("right", ""),
        ("short", "as many bytes"),
        ("long", "as many bytes"),
        ("wide", "int64 array"),
        ("matrix", "shape (1, 4)"),
        ("list", "returned: list"),
    ],
)
def test_it_refuses_what_is_no_text_of_that_length(facts: Facts, answer: str, says: str) -> None:
    assert says in facts["refusals"][answer]
    assert bool(says) == bool(facts["refusals"][answer])
