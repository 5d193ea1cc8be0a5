"""onnx_runtime: what the judge says of a file, of an answer, and the model that it draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def facts() -> Facts:
    return run_in_lab(Path(__file__).with_name("lab_onnx_runtime.py"))


@pytest.mark.parametrize("name", ["good", "fused", "same"])
def test_it_takes_a_graph_of_known_operators(facts: Facts, name: str) -> None:
    assert facts["graphs"][name] == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("outside", "'one' lies in another file"),
        ("strange", "operators of 'ours'"),
        ("branch", "it has If"),
        ("other input", "from ['x'] to ['logits']"),
        ("unknown", "NoSuchThing"),
        ("empty", "Error"),
        ("noise", "Error"),
    ],
)
def test_it_says_what_is_wrong_with_a_file(facts: Facts, name: str, says: str) -> None:
    assert says in facts["graphs"][name]


def test_it_wants_both_files_and_no_large_one(facts: Facts) -> None:
    assert facts["files"]["both"] == ""
    assert facts["files"]["one"] == "convert did not write model.int8.onnx"
    assert "more than" in facts["files"]["large"]


def test_it_runs_a_graph_and_says_when_one_does_not_run(facts: Facts) -> None:
    deployed = facts["deployed"]
    assert deployed["opened"] == ""
    assert deployed["answers"] == [[[2.0] * 3] * 2, [[1.0]]]
    assert deployed["refused"]
    assert deployed["closed"]


@pytest.mark.parametrize("name", ["none", "too few", "short", "double", "nan"])
def test_it_refuses_what_are_no_logits(facts: Facts, name: str) -> None:
    assert facts["refusals"][name]
    assert facts["refusals"]["good"] == ""


def test_it_computes_what_the_module_computes(facts: Facts) -> None:
    model = facts["model"]
    assert model["parameters"] == model["modules"] == 256 * 192 * 2 + 4 * 12 * 192**2 + 9 * 192
    assert model["kit"] < 1e-4
    assert model["loss"] < 1e-5


def test_it_draws_a_model_of_its_own_with_large_rows(facts: Facts) -> None:
    model = facts["model"]
    assert model["rows"] >= 5
    assert model["stretched"] < 1e-3
    assert model["drawn anew"] > 0.05
