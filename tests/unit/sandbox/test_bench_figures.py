"""Figures of `bench box`: statistics, ratios, goals and the document that holds them."""

from __future__ import annotations

import json
import random

import pytest

from sandbox.bench.contenders import BARE, NSJAIL, OURS, Missing
from sandbox.bench.goals import COLD_PROCESS, TORCH_GROUP, TRUE_GROUP, WARM_BOX, Goal, goals
from sandbox.bench.memory import Weight
from sandbox.bench.report import lines, table
from sandbox.bench.results import Group, Held, Measured, Rate
from sandbox.bench.stats import overhead_ratio, summarise, times
from sandbox.bench.throughput import Kind, boxes_per_minute, measure_rates, worker_counts
from sandbox.spec import MIB


def test_an_outlier_moves_neither_the_median_nor_the_spread():
    calm, disturbed = summarise([10.0, 11.0, 12.0, 13.0, 14.0]), summarise([10.0, 11.0, 12.0, 13.0, 900.0])
    assert (calm.median, calm.minimum, calm.spread) == (12.0, 10.0, 1.0)
    assert disturbed == calm


def test_no_sample_is_no_figure():
    with pytest.raises(ValueError, match="no sample"):
        summarise([])


def test_an_overhead_is_what_comes_on_top_of_the_bare_program():
    assert overhead_ratio(box=7.0, peer=5.0, bare=1.0) == 1.5
    # A peer that seems as fast as nothing at all was drowned in noise: no ratio rather than a wild one.
    assert overhead_ratio(box=7.0, peer=1.0, bare=1.0) is None
    assert times(3.0, 0.0) is None


def measured(*, ours: float = 0.011, warm: float = 0.025) -> Measured:
    """A run with round figures: bare 1 ms, nsjail 8 ms, a cold import 2 s."""
    exits = {BARE: [0.001] * 3, OURS: [ours] * 3, NSJAIL: [0.008] * 3}
    starts = {COLD_PROCESS: [2.0] * 3, WARM_BOX: [warm] * 3}
    return Measured(
        groups=[
            Group(name=TRUE_GROUP, program="/usr/bin/true", baseline=BARE, samples=exits),
            Group(name=TORCH_GROUP, program="python", baseline=COLD_PROCESS, samples=starts),
        ],
        rates=[Rate(case=OURS, workers=2, per_minute=[100.0, 120.0, 110.0])],
        held=[
            Held(
                name="idle template of torch",
                processes=2,
                weight=Weight(private_bytes=10 * MIB, anonymous_bytes=150 * MIB),
            )
        ],
        missing=[Missing(name="docker box", why="no engine answers")],
    )


def by_name(found: list[Goal], part: str) -> Goal:
    return next(goal for goal in found if part in goal.name)


@pytest.mark.parametrize(("ours", "met"), [(0.0115, True), (0.0116, False)])
def test_the_overhead_goal_turns_at_one_and_a_half_times_the_peer(ours, met):
    """Bare 1 ms and nsjail 8 ms allow 1 + 1.5 x 7 = 11.5 ms."""
    assert by_name(goals(measured(ours=ours)), "nsjail").met is met


@pytest.mark.parametrize(
    ("warm", "faster", "quick"), [(0.049, True, True), (0.0499, True, True), (0.0502, False, False)]
)
def test_the_warm_goals_need_the_ratio_and_the_time(warm, faster, quick):
    found = goals(measured(warm=warm))
    assert by_name(found, "a cold process that imports torch").met is faster
    assert by_name(found, "first line with torch").met is quick


def test_what_was_not_measured_is_neither_met_nor_missed():
    found = goals(measured())
    assert {goal.met for goal in found if "transformers" in goal.name} == {None}
    assert {goal.met for goal in found if "transformers" not in goal.name} == {True}


def document() -> dict:
    run = measured()
    return {
        "date": "2026-01-02T03:04:05+00:00",
        "machine": {"cpu": "A", "cores": 2, "memory_mib": 1, "system": "Linux", "uid": 0, "accounting": "cgroup2"},
        "load_average_1m": {"before": 1.5, "after": 0.1},
        "versions": {"python": "3.11"},
        "contenders": {BARE: "a plain process"},
        **run.as_json(),
        "goals": [goal.as_json() for goal in goals(run)],
    }


def test_the_document_is_json_and_names_the_unit_of_every_figure():
    said = json.loads(json.dumps(document(), allow_nan=False))
    ours = next(case for case in said["groups"][0]["cases"] if case["name"] == OURS)
    assert ours == {
        "name": OURS, "median_ms": 11.0, "min_ms": 11.0, "spread_ms": 0.0,
        "times_baseline": 11.0, "over_baseline_ms": 10.0, "samples_ms": [11.0, 11.0, 11.0],
    }  # fmt: skip
    assert said["throughput"][0]["median_boxes_per_minute"] == 110.0
    assert said["memory"] == [
        {"name": "idle template of torch", "processes": 2, "private_mib": 10.0, "anonymous_mib": 150.0}
    ]


def test_the_report_shows_figures_goals_and_what_was_not_measured():
    text = "\n".join(lines(document()))
    assert "docker box: no engine answers" in text
    assert "Other work was running" in text
    assert "MISSED" not in text
    assert text.count("not measured") == 3  # docker, and the two goals of a stack that has no group
    goal = next(line for line in text.splitlines() if "nsjail's" in line)
    assert "at most 1.50x" in goal
    assert "1.43x" in goal
    assert goal.endswith("met")


def test_columns_are_aligned():
    rows = list(table(["", "ms"], [["a", "1.00"], ["longer", "1,234.00"]]))
    assert rows == ["              ms", "a           1.00", "longer  1,234.00"]


def test_rates_count_every_box_that_was_begun():
    rate, states = boxes_per_minute(lambda: "warm", workers=3, seconds=0.05)
    assert set(states) == {"warm"}
    assert len(states) >= 3
    # Each worker ran for 0.05 s or a little more.
    assert 0 < rate <= len(states) / 0.05 * 60


def test_a_box_that_fails_fails_the_measurement():
    def broken() -> str:
        raise OSError("no box")

    with pytest.raises(OSError, match="no box"):
        boxes_per_minute(broken, workers=2, seconds=10.0)  # a busy machine starts a thread late


def test_each_rate_is_read_as_often_as_asked_and_knows_its_warm_share():
    kinds = [Kind(name="plain", run_one=lambda: ""), Kind(name="half", run_one=iter_states(["warm", "cold"]))]
    heard: list[int] = []
    found = measure_rates(
        kinds, [1], seconds=0.01, readings=2, rng=random.Random(1), on_reading=heard.append
    )  # fmt: skip
    assert heard == [1, 2]
    assert [len(rate.per_minute) for rate in found] == [2, 2]
    assert found[0].warm_share is None
    assert found[1].warm_share == pytest.approx(0.5, abs=0.1)


def iter_states(states: list[str]):
    count = iter(range(10**9))
    return lambda: states[next(count) % len(states)]


def test_workers_are_counted_once():
    assert worker_counts(1) == [1, 2]
    assert worker_counts(2) == [1, 2, 4]
