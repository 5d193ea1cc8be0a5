"""Values on the wire: the host's codec and the guest's twin."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import Rejected, WrongAnswer
from grader.values import decode, encode
from sandbox.guest import call
from tests.fixtures.exercises import in_lab

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def tree(text: str, rest: bytes = b"") -> bytes:
    return len(text.encode()).to_bytes(4, "big") + text.encode() + rest


@given(plain)
def test_it_brings_plain_values_there_and_back(value):
    assert call.decode(encode(value)) == value
    assert decode(call.encode(value)) == value


def test_it_keeps_a_dict_that_looks_like_an_array_a_dict():
    for value in ({"a": 0}, {"d": {"a": 1}}, [{"d": 1}]):
        assert decode(call.encode(value)) == value
        assert call.decode(encode(value)) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [math.nan], {"x": math.inf}])
def test_it_refuses_nan_and_infinity_as_plain_numbers(value):
    with pytest.raises(ValueError, match="array"):
        encode(value)
    with pytest.raises(call.UnsendableError, match="array"):
        call.encode(value)


@pytest.mark.parametrize("value", [object(), {1: 2}, b"bytes", {1, 2}, 1j, encode])
def test_it_refuses_what_has_no_form_on_the_wire(value):
    with pytest.raises(call.UnsendableError):
        call.encode(value)


def test_it_refuses_endless_nesting():
    value: list[object] = []
    value.append(value)
    with pytest.raises(call.UnsendableError, match="deeper"):
        call.encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0",
        (100).to_bytes(4, "big") + b"1",
        tree("nope"),
        tree("NaN"),
        tree("-Infinity"),
        tree("1e999"),
        tree('{"a": 0}'),
        tree('{"a": true}'),
        tree('{"d": 1}'),
        tree('{"x": {}}'),
        tree('{"d": {}, "a": 0}'),
        tree("[" * 60 + "]" * 60),
        tree("[" * 100_000),
        tree("1" * 5000),
        tree("1", b"junk"),
        b"\0\0\0\x01\xff",
    ],
)
def test_it_rejects_malformed_answers(data):
    with pytest.raises(Rejected, match="malformed"):
        decode(data)


def test_it_reads_no_answer_that_would_fill_the_judge():
    def answer(commas: int) -> bytes:
        tree = b"[0" + b",0" * commas + b"]"
        return len(tree).to_bytes(4, "big") + tree

    assert len(decode(answer(1_999_999))) == 2_000_000
    with pytest.raises(WrongAnswer, match="numpy arrays"):
        decode(answer(2_000_000))


def test_it_gives_a_judge_no_text_that_cannot_be_encoded():
    def answer(text: bytes) -> bytes:
        return len(text).to_bytes(4, "big") + text

    assert decode(answer(rb'"\u00e9 \ud83d\ude00"')) == "é 😀"
    for bad in (rb'"\ud800"', rb'{"d":{"\udfff":0}}'):
        with pytest.raises(WrongAnswer, match="no Unicode"):
            decode(answer(bad))


def test_it_sends_a_judge_no_more_than_json_can_hold():
    assert json.loads(encode({"x": [1]})[4:]) == {"d": {"x": [1]}}


@pytest.mark.lab
def test_it_brings_arrays_and_numpy_numbers_there_and_back():
    assert in_lab("""
import json
import numpy as np
from grader.values import decode, encode
from sandbox.guest import call
value = {"x": [np.arange(6, dtype="i2").reshape(2, 3), np.array([np.nan, np.inf])], "n": np.float32(1.5),
         "i": np.int64(3), "b": np.bool_(True), "strided": np.arange(9.0).reshape(3, 3).T,
         "big": np.arange(3, dtype=">f8")}
for got in (decode(call.encode(value)), call.decode(encode(value))):
    assert got["x"][0].dtype == np.int16 and np.array_equal(got["x"][0], value["x"][0])
    assert np.array_equal(got["x"][1], value["x"][1], equal_nan=True)
    assert [got["n"], got["i"], got["b"]] == [1.5, 3, True]
    assert np.array_equal(got["strided"], value["strided"]) and np.array_equal(got["big"], value["big"])
for bad in (np.array([object()]), np.array(["text"]), np.longdouble(1), np.array([1j]), np.datetime64("2026-01-01")):
    try:
        call.encode(bad)
        raise SystemExit(f"sent {bad!r}")
    except call.UnsendableError:
        pass
print(json.dumps(True))
""")
