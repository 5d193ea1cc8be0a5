"""Counts, bytes and quality scores."""

from __future__ import annotations

import json
import math
import random
from itertools import combinations

import pytest

from grader.errors import WrongAnswer
from grader.measures import (
    Measure,
    agreement,
    artefact_bytes,
    bits_per_byte,
    count,
    count_ratio,
    exact_match,
    matmul_flops,
    mean_loss,
    pass_at_k,
    peak_memory,
    peak_memory_ratio,
    share,
    state_bytes,
    transformer_flops,
)


def file_of(*sizes):
    """A safetensors file of float32 tensors of so many elements."""
    header, offset = {}, 0
    for i, size in enumerate(sizes):
        header[f"t{i}"] = {"dtype": "F32", "shape": [size], "data_offsets": [offset, offset + 4 * size]}
        offset += 4 * size
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(offset)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_measure_is_finite(value):
    with pytest.raises(ValueError, match="is not finite"):
        Measure(value=value, unit="s", provenance="observed")
    with pytest.raises(ValueError, match="is not finite"):
        Measure(value=1, unit="s", provenance="observed", ci95=(0, value))


def test_a_measure_has_an_interval_the_right_way_up_and_at_least_one_sample():
    with pytest.raises(ValueError, match="upside down"):
        Measure(value=1, unit="s", provenance="observed", ci95=(2, 1))
    with pytest.raises(ValueError, match="at least one sample"):
        Measure(value=1, unit="s", provenance="observed", samples=0)
    seconds = Measure(value=2, unit="s", provenance="observed", samples=3, ci95=(1, 4))
    assert seconds.scaled(1000, "ms") == Measure(
        value=2000, unit="ms", provenance="observed", samples=3, ci95=(1000, 4000)
    )
    with pytest.raises(ValueError, match="is positive"):
        seconds.scaled(-1, "s")


def test_it_keeps_who_counted():
    assert count(7, "calls", "instrumented") == Measure(value=7, unit="calls", provenance="instrumented", samples=1)
    assert count_ratio(50, 100, "observed").value == 0.5
    for bad in (-1, 1.5, True, "7"):
        with pytest.raises(ValueError, match="whole number"):
            count(bad, "calls", "observed")
    with pytest.raises(ValueError, match="nothing to compare"):
        count_ratio(1, 0, "observed")


def test_memory_is_that_of_the_neediest_rank():
    assert peak_memory([100, 300, 200]).value == 300
    assert peak_memory([100, 300, 200]).samples == 3
    assert peak_memory_ratio([100, 150], [300, 290]).value == 0.5
    with pytest.raises(ValueError, match="no rank"):
        peak_memory([])


def test_bytes_are_counted_from_what_left_the_box():
    assert artefact_bytes({"a": bytes(10), "b": bytes(5)}).value == 15
    sharded = state_bytes([file_of(10, 20), file_of(10, 10)])
    assert (sharded.value, sharded.unit, sharded.samples, sharded.provenance) == (120, "bytes", 2, "recomputed")
    with pytest.raises(WrongAnswer):
        state_bytes([b"not a file"])


def test_operations_are_those_of_the_textbook():
    assert matmul_flops(2, 3, 4) == 48
    assert transformer_flops(100, 7, training=False) == 1400
    assert transformer_flops(100, 7, training=True) == 4200


def test_a_loss_has_the_normal_interval():
    rng = random.Random(3)
    losses = [rng.gauss(2, 0.5) for _ in range(400)]
    measure = mean_loss(losses)
    assert (measure.unit, measure.samples, measure.provenance) == ("nats", 400, "recomputed")
    assert measure.ci95[1] - measure.ci95[0] == pytest.approx(2 * 1.96 * 0.5 / 20, rel=0.1)
    for loss in (float("nan"), float("inf")):  # the model's doing, so the learner's
        with pytest.raises(WrongAnswer, match="not a finite number"):
            mean_loss([*losses, loss])
        with pytest.raises(WrongAnswer, match="not a finite number"):
            bits_per_byte([1.0, loss], [1, 1])
    with pytest.raises(ValueError, match="at least two"):
        mean_loss([1.0])


def test_bits_per_byte_weighs_documents_by_their_length():
    measure = bits_per_byte([100 * math.log(2), 300 * math.log(2)], [100, 100])
    assert (measure.value, measure.unit, measure.samples) == (pytest.approx(2), "bits/byte", 2)
    assert bits_per_byte([math.log(2), 300 * math.log(2)], [1, 300]).value == pytest.approx(1)
    for nats, sizes in (([1.0], [1]), ([1.0, 2.0], [1]), ([1.0, 2.0], [1, 0]), ([], [])):
        with pytest.raises(ValueError, match=r"need the loss|needs at least two"):
            bits_per_byte(nats, sizes)


def test_bits_per_byte_covers_the_truth_about_95_times_of_100():
    rng = random.Random(1)
    held = 0
    for _ in range(300):
        sizes = [rng.randint(50, 1500) for _ in range(80)]
        low, high = bits_per_byte([size * rng.gauss(0.7, 0.2) for size in sizes], sizes).ci95
        held += low <= 0.7 / math.log(2) <= high
    assert 265 <= held <= 297


def test_exact_match_wants_the_same_type_too():
    measure = exact_match(["a", "b", 1, True, (1, 2)], ["a", "c", 1, 1, (1, 2)])
    assert (measure.value, measure.unit, measure.samples) == (0.6, "share", 5)
    assert measure == share(3, 5)
    with pytest.raises(ValueError, match="1 answers for 2 questions"):
        exact_match(["a"], ["a", "b"])


class Liar:
    """Equal to everything, as a learner's object may be."""

    def __eq__(self, other):
        return True

    __hash__ = object.__hash__


def test_no_operator_of_an_answers_own_makes_it_right():
    assert exact_match([Liar(), [Liar()], {"a": Liar()}, (1, [2])], [1, [1], {"a": 1}, (1, [2])]).value == 0.25
    assert exact_match([{"a": [1]}, {"a": [True]}], [{"a": [1]}, {"a": [1]}]).value == 0.5
    assert agreement([[Liar(), 2], [3, 4]], [[1, 2], [3, 4]]).value == 0.75
    with pytest.raises(WrongAnswer, match="must be a list, not Liar"):
        agreement([Liar(), [1]], [[1], [1]])


def test_agreement_counts_positions_and_forgives_no_cut():
    measure = agreement([[1, 2, 3], [4, 9]], [[1, 2, 3], [4, 5, 6]])
    assert (measure.value, measure.samples) == (pytest.approx(4 / 6), 2)
    assert agreement([[1, 2, 3, 7, 7, 7], [4]], [[1, 2, 3], [4]]).value == pytest.approx(4 / 7)
    for answers, reference in (([[1]], [[1]]), ([[1]], [[1], [2]]), ([[1], []], [[1], []])):
        with pytest.raises(ValueError, match=r"at least two|may be empty"):
            agreement(answers, reference)


@pytest.mark.parametrize(("n", "c", "k"), [(5, 2, 1), (5, 2, 3), (6, 1, 2), (4, 0, 2), (4, 4, 4), (5, 3, 3)])
def test_pass_at_k_is_the_share_of_all_draws_with_a_right_one(n, c, k):
    draws = list(combinations(range(n), k))
    wanted = sum(any(i < c for i in draw) for draw in draws) / len(draws)
    assert pass_at_k([(n, c), (n, c)], k).value == pytest.approx(wanted)


def test_pass_at_k_is_averaged_over_problems():
    measure = pass_at_k([(10, 10), (10, 0), (10, 10), (10, 0)], 5)
    assert (measure.value, measure.samples) == (0.5, 4)
    assert measure.ci95[0] >= 0
    assert measure.ci95[1] <= 1
    assert pass_at_k([(200, 100)] * 2, 100).value == pytest.approx(1)
    for results, k in (([(4, 2)] * 2, 5), ([(4, 5)] * 2, 1), ([(4, 2)] * 2, 0)):
        with pytest.raises(ValueError, match="at least"):
            pass_at_k(results, k)
