"""What lesson 9 says about repeated looks, against published tables and counted random walks."""

from __future__ import annotations

import re
from statistics import NormalDist

import pytest

from tests.unit.content_ab.lesson_code import LESSON

pytestmark = pytest.mark.lab

PUBLISHED = {"1": 0.050, "2": 0.083, "3": 0.107, "5": 0.142, "10": 0.193, "20": 0.248, "50": 0.320}


def test_it_prints_the_published_table():
    table = re.search(r"\| looks \|(.*)\n.*\n\| false positives \|(.*)\n", (LESSON / "lesson.md").read_text())
    looks = [cell.strip() for cell in table[1].strip(" |").split("|")]
    shares = [float(cell.strip(" %")) / 100 for cell in table[2].strip(" |").split("|")]
    assert dict(zip(looks, shares, strict=True)) == pytest.approx(PUBLISHED)


@pytest.mark.parametrize("looks", PUBLISHED)
def test_it_counts_what_the_table_says(walks, looks):
    assert walks["armitage"][looks] == pytest.approx(PUBLISHED[looks], abs=0.008)


def test_it_ships_a_quarter_of_the_useless_changes_after_forty_looks(walks):
    assert walks["forty_one_sided"] == pytest.approx(0.25, abs=0.015)


def test_it_correlates_looks_by_the_root_of_the_ratio_of_their_times(walks):
    assert walks["correlation"] == pytest.approx(0.5**0.5, abs=0.01)


@pytest.mark.parametrize("design", ["pocock", "obrien_fleming"])
def test_it_holds_five_percent_over_five_looks(walks, design):
    assert walks[design] == pytest.approx(0.05, abs=0.004)


def test_it_prints_the_bars_of_obrien_and_fleming():
    row = re.search(r"\| O'Brien–Fleming \|(.*)\|\n", (LESSON / "lesson.md").read_text())
    bars = [float(cell) for cell in row[1].split("|")]
    assert bars == pytest.approx([2.040 * (5 / k) ** 0.5 for k in range(1, 6)], abs=0.006)


def test_it_wastes_alpha_with_bonferroni(walks):
    assert 0.005 < walks["bonferroni"] < 0.02


def test_it_keeps_both_errors_with_walds_bars(walks):
    assert walks["sprt_null"]["shipped"] == pytest.approx(0.05, abs=0.012)
    assert walks["sprt_effect"]["shipped"] == pytest.approx(0.95, abs=0.012)


def test_it_needs_half_of_the_fixed_sample(walks):
    z = NormalDist().inv_cdf(0.95)
    bar = 2.9444
    predicted = 2 * (0.95 * bar - 0.05 * bar) / (2 * z) ** 2
    assert predicted == pytest.approx(0.49, abs=0.001)
    assert walks["sprt_effect"]["share"] == pytest.approx(predicted, abs=0.02)
    assert walks["sprt_null"]["share"] == pytest.approx(predicted, abs=0.02)


@pytest.mark.parametrize("tau", ["0.5", "3.0", "20.0"])
def test_it_never_loses_the_truth_more_often_than_promised(walks, tau):
    assert walks["sequence"][tau]["lost"] <= 0.10


def test_it_does_lose_the_truth_sometimes(walks):
    assert walks["sequence"]["20.0"]["lost"] > 0.03  # an interval that never misses would prove nothing


def test_it_agrees_with_the_always_valid_p_value(walks):
    assert {run["p_disagrees"] for run in walks["sequence"].values()} == {0.0}
