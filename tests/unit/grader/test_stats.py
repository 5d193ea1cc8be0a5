"""Intervals, against published numbers and simulation."""

from __future__ import annotations

import random

import pytest

from grader.stats import mean_ci95, proportion_ci95


def test_it_gives_wilsons_interval():
    # Newcombe (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
    for (k, n), wanted in {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0000, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }.items():
        assert proportion_ci95(k, n) == pytest.approx(wanted, abs=5e-5)


@pytest.mark.parametrize(("k", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_it_refuses_what_is_no_proportion(k, n):
    with pytest.raises(ValueError, match="not a proportion"):
        proportion_ci95(k, n)


def test_it_covers_the_mean_about_95_times_of_100():
    rng = random.Random(3)
    covered = 0
    for _ in range(1000):
        low, high = mean_ci95([rng.gauss(5, 2) for _ in range(50)])
        covered += low <= 5 <= high
    assert 925 <= covered <= 970


def test_it_needs_two_values():
    with pytest.raises(ValueError, match="at least two"):
        mean_ci95([1.0])
