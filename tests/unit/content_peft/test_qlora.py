"""qlora: its judge reads the quantised file as bitsandbytes does, and refuses what is no such file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

pytestmark = pytest.mark.lab

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def facts() -> Facts:
    return run_in_lab(Path(__file__).with_name("lab_qlora.py"))


def test_it_runs_the_network_of_the_kit(facts: Facts) -> None:
    assert facts["networks"] < 1e-5


@pytest.mark.parametrize("form", ["single", "double", "double, used"])
def test_it_reads_what_bitsandbytes_reads(facts: Facts, form: str) -> None:
    """Also from a layer that has computed: where the processor can, bitsandbytes packs it anew, and back to save it."""
    assert facts["reading"][form]["problem"] == ""
    assert facts["reading"][form]["difference"] < 1e-6
    assert facts["reading"][form]["error"] < 0.1


def test_it_counts_the_bits_of_the_paper(facts: Facts) -> None:
    """Section 3 of QLoRA: 0.5 bits a weight for the scales, 0.127 where they are quantised too, in full groups."""
    assert facts["reading"]["single"]["bits"] == 4.5
    assert facts["reading"]["double"]["bits"] == pytest.approx(4 + 8 / 64 + 3 * 32 / (160 * 256))


@pytest.mark.parametrize("title", ["single", "double", "wide", "half"])
def test_it_takes_a_base(facts: Facts, title: str) -> None:
    """A wide one is told by its bytes."""
    assert facts["base_problems"][title] == ""


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("nothing", "exactly what bitsandbytes keeps"),
        ("a tensor more", "look at rest"),
        ("no levels", "quant_map"),
        ("fp4", "exactly what bitsandbytes keeps"),
        ("16 bits as codes", "must have the shape (4096, 1)"),
        ("wide codes", "uint16, not uint8"),
        ("signed codes", "int8, not uint8"),
        ("wide scales' codes", "uint32, not uint8"),
        ("scales are whole numbers", "which is no float"),
        ("blocks of 32", "must have the shape (128,)"),
        ("a scale is NaN", "must be finite"),
        ("other levels", "levels of NF4"),
        ("long description", "longer than any description"),
        ("another type", "quant_type must be nf4"),
        ("another shape", "shape must be [64, 128]"),
        ("other groups", "nested_blocksize must be 256"),
        ("no JSON", "WrongAnswer"),
        ("no object", "WrongAnswer"),
    ],
)
def test_it_refuses_what_is_no_state_of_nf4(facts: Facts, title: str, says: str) -> None:
    assert says in facts["base_problems"][title]


@pytest.mark.parametrize("title", ["text", "truth", "NaN", "huge", "missing"])
def test_it_refuses_an_offset_that_is_no_number(facts: Facts, title: str) -> None:
    assert facts["offsets"]["fine"] == "0.25"
    assert "nested_offset is not a number" in facts["offsets"][title]


def test_it_never_takes_a_matrix_with_a_nan_for_the_base(facts: Facts) -> None:
    assert facts["absurd"] == math.inf


def test_it_scores_the_base_as_nothing(facts: Facts) -> None:
    assert facts["scores"]["base"] == 0
    assert facts["scores"]["mad"] == -10


def test_its_own_lora_learns(facts: Facts) -> None:
    assert 0.5 < facts["scores"]["plain"] < 1


def test_it_draws_a_task_per_run(facts: Facts) -> None:
    assert facts["scores"]["same seed"] == 1
    assert facts["scores"]["other seed"] == 0


def test_it_draws_changes_and_inputs_as_it_says(facts: Facts) -> None:
    assert facts["change"]["values"] == pytest.approx([0.066 * 8] * 5, abs=1e-4)
    assert facts["change"]["rest"] < 1e-5
    assert facts["change"]["second"] == pytest.approx(2**-1.5, abs=0.03)
    assert facts["change"]["mean_square"] == pytest.approx(1, abs=0.1)


def test_it_adds_exactly_the_product(facts: Facts) -> None:
    assert facts["merging"] < 1e-5


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("nothing", "holds no tensor"),
        ("no partner", "come in pairs"),
        ("ranks differ", "must be (r, 6) and (4, r)"),
        ("rank nine", "r from 1 to 8"),
        ("unknown module", "no lora_A or lora_B"),
        ("a whole matrix", "no lora_A or lora_B"),
        ("not finite", "finite"),
        ("whole numbers", "floating-point"),
    ],
)
def test_it_refuses_what_is_no_adapter(facts: Facts, title: str, says: str) -> None:
    assert facts["problems"]["pair"] == ""
    assert says in facts["problems"][title]
