"""The judge of peek_safely: what it sends, what it refuses, what it notices."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("none", "returned a NoneType"),
        ("scalar", "returned a int64"),
        ("short", "given 3 streams and returned an array of shape (2,)"),
        ("matrix", "shape (3, 1)"),
        ("floats", "not float64"),
        ("bools", "not bool"),
        ("strange", "returned 2"),
        ("words", "something else than whole numbers"),
        ("true", "something else than whole numbers"),
    ],
)
def test_it_refuses_an_answer_and_says_why(judged, answer, says):
    assert says in judged["refusals"][answer]


@pytest.mark.parametrize("answer", ["list", "array"])
def test_it_reads_lists_and_small_integers(judged, answer):
    assert judged["refusals"][answer] == ""


def test_it_shows_every_look_once_in_order(judged):
    assert judged["spy"]["looks"] == list(range(1, 41))


def test_it_never_shows_a_stream_again_after_its_end(judged):
    assert judged["spy"]["shrinks"]


def test_it_shows_all_streams_but_not_in_their_place(judged):
    assert judged["spy"]["same_streams"]
    assert not judged["spy"]["in_place"]


def test_it_draws_counts_that_grow_to_the_promised_traffic(judged):
    assert judged["spy"]["counts_grow"]
    assert judged["spy"]["traffic"] == 0


def test_it_sends_the_design_that_the_learners_simulator_makes(judged):
    spy = judged["spy"]
    assert spy["arguments"] == spy["simulated"]
    assert spy["fixed"][0] == spy["fixed"][1]
    assert judged["worlds"] == [True, True]


def test_it_measures_the_same_for_the_same_seed(judged):
    assert judged["solution"] == judged["again"]
    assert judged["solution"] != judged["other_seed"]


def test_it_finds_the_solution_good(judged):
    solution = judged["solution"]
    assert solution["false_positive_rate"] < 0.05
    assert solution["power"] > 0.90
    assert solution["mean_sample_share"] < 0.50
    assert solution["ships_no_harm"]
    assert solution["decisions_stand_alone"]


def test_it_notices_a_decision_that_depends_on_earlier_calls(judged):
    assert not judged["remembering"]["decisions_stand_alone"]
