"""Ratios of times, their calibration, and the order of turns."""

from __future__ import annotations

import random
from statistics import pstdev

import pytest

from grader.errors import InfraError
from grader.measures import (
    Interleaving,
    Measure,
    Reading,
    Round,
    Unsteady,
    calibrate,
    cpu_ratio,
    require_steady,
    wall_ratio,
)
from grader.rng import Rng


def reading(cpu, wall=None):
    return Reading(cpu_s=cpu, wall_s=wall or cpu * 1.2)


def rounds(candidate=2.0, repeats=(1.0, 1.0, 1.0, 1.0, 1.0), n=5, slow=1.0):
    """Rounds in which everything is `slow` times as slow in every second one."""
    made = []
    for i in range(n):
        pace = slow if i % 2 else 1.0
        again = reading(repeats[i] * pace) if i < len(repeats) else None
        made.append(Round(candidate=reading(candidate * pace), baseline=reading(pace), repeat=again))
    return made


def test_it_gives_the_median_ratio_with_its_interval():
    made = [
        Round(candidate=reading(mine), baseline=reading(1.0), repeat=reading(1.0)) for mine in (2.2, 1.8, 2.0, 9.0, 1.9)
    ]
    assert cpu_ratio(made) == Measure(value=2.0, unit="x", provenance="observed", samples=5, ci95=(1.8, 9.0))
    assert cpu_ratio(made, "speedup").value == 0.5
    assert wall_ratio(made).value == pytest.approx(2.0)


def test_a_slow_minute_that_hits_both_sides_cancels_out():
    measure = cpu_ratio(rounds(slow=3.0))
    assert (measure.value, measure.ci95) == (2.0, (2.0, 2.0))


def test_it_reads_the_clock_that_it_is_asked_for():
    made = [Round(candidate=reading(3, 1), baseline=reading(1, 2), repeat=reading(1, 2)) for _ in range(5)]
    assert (cpu_ratio(made).value, wall_ratio(made).value) == (3.0, 0.5)


@pytest.mark.parametrize(
    ("repeats", "steady"),
    [
        ((1.0,) * 5, True),
        ((0.9,) * 5, True),
        ((1.1,) * 5, True),
        ((1.11,) * 5, False),
        ((0.89,) * 5, False),
        ((1.0, 5.0, 1.0, 0.1, 1.0), True),  # a lone outlier does not move a median
        ((1.5, 1.5, 1.5, 1.0, 1.0), False),
    ],
)
def test_it_measures_only_where_the_baseline_agrees_with_itself(repeats, steady):
    made = rounds(repeats=repeats)
    assert calibrate(made, "cpu").holds == steady
    if steady:
        assert cpu_ratio(made).value == 2.0
    else:
        with pytest.raises(Unsteady, match="the baseline against itself took"):
            cpu_ratio(made)


def test_unsteadiness_is_never_the_learners_fault():
    assert issubclass(Unsteady, InfraError)
    require_steady(before=True, after=True)
    for before, after, said in ((False, True, "before"), (True, False, "after"), (False, False, "before and after")):
        with pytest.raises(Unsteady, match=f"missed the bar {said} the measurement"):
            require_steady(before=before, after=after)


def test_it_wants_five_rounds_with_a_repeat():
    with pytest.raises(ValueError, match="5 rounds with a repeat; there are 4"):
        cpu_ratio(rounds(n=4))
    with pytest.raises(ValueError, match="5 rounds with a repeat; there are 3"):
        cpu_ratio(rounds(repeats=(1, 1, 1), n=9))


def test_it_refuses_turns_too_short_to_be_read():
    with pytest.raises(ValueError, match="too short"):
        Reading(cpu_s=0.0, wall_s=1.0)
    with pytest.raises(ValueError, match="too short"):
        Reading(cpu_s=float("nan"), wall_s=1.0)
    short = [Round(candidate=reading(1), baseline=reading(1, 0.049), repeat=reading(1, 1)) for _ in range(5)]
    with pytest.raises(ValueError, match=r"a wall time needs 0\.05 s"):
        wall_ratio(short)
    assert cpu_ratio(short).value == 1.0


def run(plan, turn):
    """Drive a plan to its end; the order of turns, as `cbr` letters by round."""
    orders, seen = [], ""
    while (side := plan.next_side()) is not None:
        assert plan.next_side() == side  # asking changes nothing
        before = len(plan.rounds)
        plan.record(turn(side, before))
        seen += side[0]
        if len(plan.rounds) > before:
            orders.append(seen)
            seen = ""
    return orders


def steady(side, _round):
    return reading(2.0 if side == "candidate" else 1.0)


def rng(seed=1):
    return Rng.from_seed(seed, "turns")


def test_it_stops_after_five_rounds_when_the_interval_is_narrow():
    plan = Interleaving(rng())
    orders = run(plan, steady)
    assert [sorted(order) for order in orders] == [["b", "c", "r"]] * 5
    assert plan.width() == 0
    assert cpu_ratio(plan.rounds).samples == 5


def test_it_goes_on_while_the_interval_is_wide_and_not_for_ever():
    noise = random.Random(4)

    def noisy(side, number):
        return reading((2.0 if side == "candidate" else 1.0) * (noise.uniform(0.7, 1.4) if side == "candidate" else 1))

    plan = Interleaving(rng(), max_pairs=9)
    orders = run(plan, noisy)
    assert [sorted(order) for order in orders] == [["b", "c", "r"]] * 5 + [["b", "c"]] * 4
    assert plan.width() > 0.1


def test_it_stops_as_soon_as_the_interval_is_narrow_enough():
    def settling(side, number):
        return reading((2.0 + (number < 3) * number) if side == "candidate" else 1.0)

    plan = Interleaving(rng(), max_pairs=31, target_width=0.1)
    count = len(run(plan, settling))
    assert 5 < count < 31
    assert plan.width() <= 0.1


def test_it_gives_up_after_the_calibration_when_that_does_not_hold():
    def disturbed(side, number):
        return reading({"candidate": 2.0 + number, "baseline": 1.0, "repeat": 1.5}[side])

    plan = Interleaving(rng())
    assert len(run(plan, disturbed)) == 5
    with pytest.raises(Unsteady):
        cpu_ratio(plan.rounds)


def test_its_order_is_random_and_repeats_with_the_seed():
    orders = [run(Interleaving(rng(seed), min_pairs=9), steady) for seed in range(40)]
    assert orders[3] == run(Interleaving(rng(3), min_pairs=9), steady)
    flat = [order for one in orders for order in one]
    counts = {order: flat.count(order) for order in set(flat)}
    assert len(counts) == 6  # every order of three turns
    assert all(30 <= count <= 90 for count in counts.values())  # of 360: 60 each, give or take four deviations


def test_its_interval_holds_the_ratio_nine_times_of_ten_although_it_stops_when_it_likes_it():
    noise = random.Random(1)
    found = []
    for seed in range(300):
        plan = Interleaving(rng(seed))
        run(plan, lambda side, _: reading((2 if side == "candidate" else 1) * noise.lognormvariate(0, 0.03)))
        found.append(cpu_ratio(plan.rounds))
    held = sum(one.ci95[0] <= 2 <= one.ci95[1] for one in found)
    assert 255 <= held <= 295
    assert pstdev([one.value for one in found]) / 2 < 0.03


@pytest.mark.parametrize(
    "options", [{"min_pairs": 4}, {"min_pairs": 9, "max_pairs": 8}, {"target_width": 0}, {"target_width": float("nan")}]
)
def test_it_refuses_a_plan_that_cannot_measure(options):
    with pytest.raises(ValueError, match="at least 5"):
        Interleaving(rng(), **options)


def test_it_takes_no_reading_out_of_turn():
    with pytest.raises(RuntimeError, match="without a turn"):
        Interleaving(rng()).record(reading(1.0))
