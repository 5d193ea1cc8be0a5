"""The run's secret randomness."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter

import pytest

from grader.rng import Rng
from tests.fixtures.exercises import in_lab


def test_it_repeats_for_the_same_secret_and_differs_for_another():
    first = [Rng.from_seed(7, "a/b", "cpu").bytes(40) for _ in range(2)]
    assert first[0] == first[1]
    others = {Rng.from_seed(seed, *context).bytes(40) for seed, context in [(8, ("a/b", "cpu")), (7, ("a/b", "smoke"))]}
    assert first[0] not in others


def test_it_is_hmac_sha256_in_counter_mode():
    key = b"k" * 32
    blocks = [hmac.new(key, b"block\0" + i.to_bytes(16, "big"), hashlib.sha256).digest() for i in range(3)]
    assert Rng(key).bytes(70) == b"".join(blocks)[:70]


def test_it_gives_the_same_stream_in_pieces():
    whole, pieces = Rng(b"x"), Rng(b"x")
    assert whole.bytes(100) == b"".join(pieces.bytes(n) for n in (1, 0, 31, 33, 35))


def test_it_gives_children_that_do_not_depend_on_what_was_drawn():
    used, fresh = Rng(b"x"), Rng(b"x")
    used.bytes(1000)
    assert used.child("data").bytes(8) == fresh.child("data").bytes(8)
    assert fresh.child("data").bytes(8) != fresh.child("labels").bytes(8)


def test_it_draws_integers_evenly_over_the_whole_range():
    rng = Rng(b"even")
    counts = Counter(rng.integers(-3, 4) for _ in range(7000))
    assert set(counts) == set(range(-3, 4))
    # χ² with 6 degrees of freedom; 27.9 is its 0.9999 quantile, and the draw is fixed.
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 27.9


@pytest.mark.parametrize(("low", "high"), [(0, 1), (5, 6), (-1, 0), (0, 2**200), (0, 257)])
def test_it_keeps_integers_within_their_range(low, high):
    rng = Rng(b"range")
    assert all(low <= rng.integers(low, high) < high for _ in range(50))


def test_it_refuses_an_empty_range():
    with pytest.raises(ValueError, match="range is empty"):
        Rng(b"x").integers(3, 3)


def test_it_draws_uniform_and_normal_numbers_with_the_right_moments():
    rng = Rng(b"moments")
    uniform = [rng.random() for _ in range(4000)]
    normal = [rng.normal(10, 2) for _ in range(4000)]
    assert 0 <= min(uniform) < 0.01
    assert 0.99 < max(uniform) < 1
    mean = sum(normal) / 4000
    assert abs(mean - 10) < 4 * 2 / 4000**0.5
    assert abs(sum((x - mean) ** 2 for x in normal) / 4000 - 4) < 0.4


def test_it_shuffles_and_samples_without_losing_anything():
    rng = Rng(b"shuffle")
    items = list(range(50))
    rng.shuffle(items)
    assert items != list(range(50))
    assert sorted(items) == list(range(50))
    assert len(set(rng.sample(range(10), 10))) == 10
    assert rng.choice("abc") in "abc"
    with pytest.raises(ValueError, match="cannot take 4 of 3"):
        rng.sample([1, 2, 3], 4)


@pytest.mark.lab
def test_it_gives_numpy_generators_keyed_by_the_stream():
    draws = in_lab("""
import json
from grader.rng import Rng
a, b = Rng(b"n"), Rng(b"n")
first = a.numpy().integers(0, 2**63, 4).tolist()
print(json.dumps([first, b.numpy().integers(0, 2**63, 4).tolist(), a.numpy().integers(0, 2**63, 4).tolist()]))
""")
    assert draws[0] == draws[1] != draws[2]
