"""nf4_linear: its levels are the published ones, and its judge reads bytes as the prompt says."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def facts() -> Facts:
    return run_in_lab(Path(__file__).with_name("lab_nf4_linear.py"))


def published_levels() -> list[float]:
    """QLoRA's construction: quantiles of the normal distribution, eight above zero and seven below, scaled to 1.

    The outermost probability is 0.9677083, half way between 1 - 1/30 and 1 - 1/32.
    """
    offset, normal = (1 - 1 / 30 + 1 - 1 / 32) / 2, NormalDist()

    def half(count: int) -> list[float]:
        return [normal.inv_cdf(offset + (0.5 - offset) * step / count) for step in range(count)]

    levels = [*(-value for value in half(7)), 0.0, *half(8)]
    largest = max(levels)
    return sorted(level / largest for level in levels)


def test_it_has_the_levels_of_the_paper(facts: Facts) -> None:
    assert facts["levels"] == facts["kit"]
    assert facts["levels"] == pytest.approx(published_levels(), abs=5e-5)


def test_it_reads_bytes_as_the_prompt_says(facts: Facts) -> None:
    assert facts["reading"]["single"] < 1e-6
    assert facts["reading"]["double"] < 1e-6


def test_it_costs_the_bits_of_the_paper(facts: Facts) -> None:
    """Section 3 of QLoRA: double quantisation takes the scales from 0.5 to 0.127 bits a weight."""
    assert facts["bits"]["single"] == 4.5
    assert facts["bits"]["double"] == pytest.approx(4.127, abs=5e-4)


@pytest.mark.parametrize("title", ["single", "double"])
def test_it_takes_both_forms(facts: Facts, title: str) -> None:
    assert facts["problems"][title] == ""


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("no dict", "a dict of tensors"),
        ("a list in it", "a dict of tensors"),
        ("more", "the names are"),
        ("both forms", "the names are"),
        ("signed codes", "flat array of uint8"),
        ("double precision", "flat array of float32"),
        ("a matrix", "flat array of uint8"),
        ("not finite", "NaN or infinity"),
        ("a byte a weight", "two weights share a byte"),
        ("no scale", "one per block"),
        ("uneven blocks", "one per block"),
        ("blocks of four", "blocks of 8 to 4096"),
        ("groups missing", "16 blocks need (1, 1)"),
        ("two means", "16 blocks need (1, 1)"),
    ],
)
def test_it_refuses_what_is_no_packed_layer(facts: Facts, title: str, says: str) -> None:
    assert says in facts["problems"][title]


def test_its_solution_has_margin_on_every_seed(facts: Facts) -> None:
    for solved in facts["solved"]:
        assert solved["problem"] == ""
        assert solved["bytes_ratio"] < 0.285
        assert solved["output_error"] < 0.078
        assert solved["disagrees"] < 1e-5


def test_it_agrees_with_bitsandbytes(facts: Facts) -> None:
    assert facts["library"]["levels"] < 1e-7
    assert facts["library"]["reading"] < 1e-6
    assert facts["library"]["ours"] < 1e-6
