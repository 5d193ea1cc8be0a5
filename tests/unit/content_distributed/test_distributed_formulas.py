"""Lesson 1's formulas beside published numbers, brute force and real sharded tensors."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return run_in_lab(Path(__file__).with_name("lab_distributed.py"))


def test_the_planner_agrees_with_the_zero_paper(lab):
    """Rajbhandari et al. 2020, figure 1: 7.5B parameters, 64 GPUs, 12 bytes of optimizer state."""
    assert lab["zero_paper"] == pytest.approx([120, 31.4, 16.6, 1.9], abs=0.05)


def test_the_lesson_prints_what_its_cell_computes(lab):
    text = (ROOT / "lessons" / "01_distributed_training" / "lesson.md").read_text()
    for name, row in zip(("DP", "ZeRO-1", "ZeRO-2", "ZeRO-3"), lab["lesson_table"], strict=True):
        line = next(line for line in text.splitlines() if line.startswith(f"| {name} | "))
        printed = [float(part.strip().removesuffix(" GB")) for part in line.strip("|").split("|")[1:]]
        assert printed == pytest.approx(row, abs=0.06)


def test_the_solution_plans_as_the_judge_does(lab):
    planner = lab["planner"]
    assert planner["worst"] < 1e-12
    assert planner["stages"] == 300
    assert planner["answers"] == ["0", "1", "2", "3", "None"], "some answer is never the right one"


def test_a_sharded_model_holds_what_the_formula_says(lab):
    assert lab["real"]["held"] == pytest.approx(lab["real"]["formula"], rel=1e-6)


def test_the_pipeline_idles_as_the_formula_says(lab):
    for idle, formula in lab["bubbles"]:
        assert idle == pytest.approx(formula, abs=1e-9)


def test_the_activation_formula_has_the_published_attention_term():
    """Korthikanti et al. 2022, section 4.1: for GPT-3 (a = 96, s = 2048, h = 12288) the term 5as/h is 80."""
    assert 5 * 96 * 2048 / 12288 == 80
    assert pytest.approx(18.3, abs=0.05) == 34 * 4096 * 4096 * 32 / 1e9


def test_youngs_interval_loses_least():
    """Lost share of an interval T: C/T for saving, T/2M for what is repeated after a failure."""
    save, between = 60.0, 11_000.0
    least = min(range(60, 10_000), key=lambda seconds: save / seconds + seconds / (2 * between))
    assert least == pytest.approx(math.sqrt(2 * save * between), rel=0.01)
    assert least == pytest.approx(1150, abs=5)


def test_the_worked_step_hides_its_gradients():
    compute = 6 * 7e9 * 4096 / (0.40 * 989e12)
    assert compute == pytest.approx(0.43, abs=0.01)
    fast, slow = (2 * 7 / 8 * 14e9 / speed for speed in (300e9, 50e9))
    assert (fast, slow) == (pytest.approx(0.08, abs=0.005), pytest.approx(0.49, abs=0.005))
    assert fast < 2 / 3 * compute < slow


def test_the_ring_sends_what_the_formula_says():
    """By counting: N - 1 chunks of S/N twice, as the lesson's cell does."""
    for ranks in (2, 3, 4, 8):
        size = 24.0
        assert sum(size / ranks for _ in range(2 * (ranks - 1))) == pytest.approx(2 * (ranks - 1) / ranks * size)
