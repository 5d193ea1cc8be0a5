"""Intervals, against published numbers and simulation."""

from __future__ import annotations

import math
import random
from statistics import fmean, median

import pytest

from grader.stats import (
    binomial_cdf,
    bootstrap_ci95,
    clopper_pearson,
    mean_ci95,
    median_ci95,
    percentile_ranks,
    proportion_ci95,
    rate_ceiling,
    rate_floor,
)


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


def exact_cdf(k, n, rate):
    """By adding up the terms."""
    return math.fsum(math.comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(k + 1))


@pytest.mark.parametrize("rate", [0.001, 0.03, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("n", [1, 2, 7, 40, 300])
def test_it_knows_the_binomial_distribution(n, rate):
    for k in {0, 1, n // 3, n // 2, n - 1, n}:
        assert binomial_cdf(k, n, rate) == pytest.approx(exact_cdf(k, n, rate), rel=1e-9, abs=1e-12)
    assert (binomial_cdf(-1, n, rate), binomial_cdf(n, n, rate), binomial_cdf(n - 1, n, 1.0)) == (0, 1, 0)


def test_it_gives_clopper_and_pearsons_interval():
    # Newcombe (1998), table I, method 5 (exact): 81/263, 15/148, 0/20, 1/29.
    for (k, n), wanted in {
        (81, 263): (0.2527, 0.3676),
        (15, 148): (0.0578, 0.1617),
        (0, 20): (0.0000, 0.1684),
        (1, 29): (0.0009, 0.1776),
    }.items():
        assert clopper_pearson(k, n) == pytest.approx(wanted, abs=5e-5)


def test_its_exact_bounds_are_where_the_tails_are():
    for k, n in ((0, 299), (3, 50), (17, 20)):
        assert exact_cdf(k, n, rate_ceiling(k, n)) == pytest.approx(0.05, rel=1e-6)
    assert 1 - exact_cdf(2, 50, rate_floor(3, 50)) == pytest.approx(0.05, rel=1e-6)
    assert (rate_ceiling(7, 7), rate_floor(0, 7)) == (1, 0)
    with pytest.raises(ValueError, match="not a proportion"):
        rate_ceiling(3, 2)


def test_it_encloses_a_percentile_by_two_ranks():
    assert percentile_ranks(100, 50) == (40, 61)  # Conover (1999), table A3 and section 3.2
    assert percentile_ranks(368, 99)[1] == 368
    for n, percent in ((20, 50), (200, 90), (1000, 99)):
        low, high = percentile_ranks(n, percent)
        share = percent / 100
        assert exact_cdf(low - 1, n, share) <= 0.025 < exact_cdf(low, n, share)
        assert exact_cdf(high - 1, n, share) >= 0.975 > exact_cdf(high - 2, n, share)


@pytest.mark.parametrize(("n", "percent", "needed"), [(367, 99, 368), (5, 50, 6), (10, 1, 368)])
def test_it_refuses_too_few_values_for_a_percentile(n, percent, needed):
    with pytest.raises(ValueError, match=f"needs {needed} values; there are {n}"):
        percentile_ranks(n, percent)


def some_values(n):
    rng = random.Random(n)
    return [rng.gauss(1, 0.1) for _ in range(n)]


def drawn_median_interval(values, resamples=20_000):
    draw = random.Random(11)
    found = sorted(median(draw.choices(values, k=len(values))) for _ in range(resamples))
    return found[int(0.025 * resamples)], found[int(0.975 * resamples)]


@pytest.mark.parametrize("n", [5, 7, 9, 11, 15, 21])
def test_its_median_interval_is_the_one_that_drawing_finds(n):
    values = some_values(n)
    assert median_ci95(values) == drawn_median_interval(values)


def test_its_median_interval_of_an_even_count_is_no_narrower():
    values = some_values(12)
    low, high = median_ci95(values)
    drawn_low, drawn_high = drawn_median_interval(values)
    assert low <= drawn_low < drawn_high <= high


def test_its_median_interval_covers_about_95_times_of_100():
    rng = random.Random(5)
    covered = 0
    for _ in range(2000):
        low, high = median_ci95([rng.lognormvariate(0, 1) for _ in range(11)])
        covered += low <= 1 <= high
    assert 1840 <= covered <= 1960


def test_it_needs_five_values_for_a_median():
    with pytest.raises(ValueError, match="at least five"):
        median_ci95([1.0, 2.0, 3.0, 4.0])


def test_its_bootstrap_is_the_same_twice_and_near_the_normal_interval():
    values = some_values(100)
    found = bootstrap_ci95(values, fmean)
    assert found == bootstrap_ci95(values, fmean)
    assert found == pytest.approx(mean_ci95(values), abs=0.005)
    assert found[0] < fmean(values) < found[1]
    with pytest.raises(ValueError, match="at least two"):
        bootstrap_ci95([1.0], fmean)
