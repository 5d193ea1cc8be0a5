"""Percentiles, the bound on "p99 under x", and throughput."""

from __future__ import annotations

import random

import pytest

from grader.measures import latency_percentile, percentile_under, throughput


def test_it_gives_the_nearest_rank_with_order_statistics_around_it():
    latencies = [i / 1000 for i in range(1, 1001)]
    random.Random(1).shuffle(latencies)
    p99 = latency_percentile(latencies, 99, timeout_s=5)
    assert (p99.value, p99.unit, p99.samples, p99.ci95) == (0.99, "s", 1000, (0.983, 0.997))
    assert latency_percentile(latencies, 50, timeout_s=5).value == 0.5
    assert latency_percentile(latencies, 99.9, timeout_s=5, failed=4000).value == 5
    assert p99.scaled(1000, "ms").value == pytest.approx(990)


def test_its_interval_holds_the_true_percentile_95_times_of_100():
    draw = random.Random(6)
    held = 0
    for _ in range(300):
        low, high = latency_percentile([draw.random() for _ in range(500)], 90, timeout_s=9).ci95
        held += low <= 0.9 <= high
    assert held >= 275


def test_failing_fast_or_late_is_as_slow_as_the_timeout():
    honest = [0.01] * 990
    assert latency_percentile(honest, 99, timeout_s=2).value == 0.01
    assert latency_percentile(honest, 99, failed=30, timeout_s=2).value == 2
    assert latency_percentile([*honest, *[700.0] * 30], 99, timeout_s=2).value == 2


def test_it_needs_368_requests_for_a_99th_percentile():
    assert latency_percentile([0.1] * 368, 99, timeout_s=1).ci95 == (0.1, 0.1)
    with pytest.raises(ValueError, match="needs 368 values; there are 367"):
        latency_percentile([0.1] * 360, 99, failed=7, timeout_s=1)


@pytest.mark.parametrize(
    ("total", "over", "holds"),
    [
        (299, 0, True),
        (298, 0, False),
        (473, 1, True),
        (472, 1, False),
        (100, 0, False),
        (10_000, 80, True),
        (10_000, 95, False),
    ],
)
def test_it_says_p99_under_x_only_with_proof(total, over, holds):
    bound = percentile_under([0.05] * (total - over) + [0.2] * over, 99, 0.1)
    assert (bound.holds, bound.samples, bound.over) == (holds, total, over)
    assert f"{over} of {total} requests took longer than 100 ms" in bound.text
    assert percentile_under([0.05] * (total - over), 99, 0.1, failed=over) == bound


def test_a_server_at_the_limit_is_rarely_let_through():
    draw = random.Random(9)
    passed = sum(percentile_under([draw.random() for _ in range(1000)], 99, 0.99).holds for _ in range(300))
    assert passed <= 24  # one in twenty at most: 15, and some for chance


@pytest.mark.parametrize(
    ("latencies", "percent", "failed"), [([-0.1], 50, 0), ([float("nan")], 50, 0), ([0.1], 100, 0), ([0.1], 50, -1)]
)
def test_it_refuses_impossible_latencies(latencies, percent, failed):
    with pytest.raises(ValueError, match="must not be negative"):
        percentile_under(latencies, percent, 1.0, failed=failed)


def test_it_needs_a_request():
    with pytest.raises(ValueError, match="0 of 0"):
        percentile_under([], 99, 1.0)


def test_it_counts_what_finished_within_the_window():
    finished = [i / 100 for i in range(2000)]  # 100 a second, for 20 s
    measure = throughput(finished, 5, 15, "requests/s")
    assert (measure.value, measure.unit, measure.samples) == (pytest.approx(100), "requests/s", 1000)
    assert measure.ci95 == pytest.approx((100, 100))
    assert throughput([], 0, 1).value == 0
    assert throughput(finished[::2], 5, 15).value == pytest.approx(50)


def test_an_uneven_server_has_a_wider_interval():
    bursts = [i + j / 1000 for i in range(0, 20, 2) for j in range(200)]
    low, high = throughput(bursts, 0, 20).ci95
    assert low < 80
    assert high > 120
    with pytest.raises(ValueError, match="needs time"):
        throughput(bursts, 3, 3)
