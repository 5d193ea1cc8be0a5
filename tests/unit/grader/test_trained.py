"""How much of a base an artefact changes: honest adapters, and every place to hide parameters in."""

from __future__ import annotations

import json

import pytest

from grader.errors import WrongAnswer
from grader.measures import count_trained, other_dtypes, trained_share
from tests.fixtures.exercises import in_lab

SIZES = {"F64": 8, "I64": 8, "F32": 4, "F16": 2, "BF16": 2, "U8": 1}


def file_of(tensors, *, metadata=None, blanks=0, ascii_only=False):
    """`tensors`: name → (dtype, shape); the data is zeros."""
    header = {} if metadata is None else {"__metadata__": metadata}
    offset = 0
    for name, (dtype, shape) in tensors.items():
        size = SIZES[dtype]
        for n in shape:
            size *= n
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=ascii_only).encode() + b" " * blanks
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + bytes(offset)


BASE = file_of({"a.weight": ("F32", (100, 100)), "b.weight": ("BF16", (50, 4))})
PAIR = {"a.weight.lora_A": ("F32", (2, 100)), "a.weight.lora_B": ("F32", (100, 2))}


def count(tensors, names=tuple(PAIR), word_bytes=4, **options):
    return count_trained(file_of(tensors, **options), BASE, names=names, word_bytes=word_bytes)


def test_it_counts_an_honest_adapter_by_its_shapes():
    trained = count(PAIR)
    assert (trained.new, trained.changed, trained.hidden, trained.base) == (400, 0, 0, 10_200)
    assert count(PAIR, metadata={"format": "pt"}).hidden == 0  # what every writer puts there
    share = trained_share(file_of(PAIR), BASE, names=PAIR)
    assert (share.value, share.unit, share.provenance) == (400 / 10_200, "share", "recomputed")


def test_it_counts_half_precision_once_an_element():
    half = {name: ("BF16", shape) for name, (_, shape) in PAIR.items()}
    assert count(half).new == 400
    assert other_dtypes(file_of(half)) == []


def test_a_buffer_or_any_other_tensor_counts_like_a_parameter():
    assert count({**PAIR, "running_mean": ("F32", (5000,))}, names=[*PAIR, "running_mean"]).total == 5400


@pytest.mark.parametrize(
    ("dtype", "word_bytes", "each"), [("F64", 4, 2), ("I64", 4, 2), ("I64", 1, 8), ("F32", 1, 4), ("U8", 4, 1)]
)
def test_a_wide_dtype_counts_as_many_times_as_it_could_hold(dtype, word_bytes, each):
    wide = {"a.weight.lora_A": (dtype, (2, 100))}
    assert count(wide, word_bytes=word_bytes).new == 200 * each
    assert other_dtypes(file_of(wide)) == ([] if dtype == "F32" else ["a.weight.lora_A"])


def test_another_dtype_or_shape_of_a_base_tensor_counts_in_full():
    assert count({"a.weight": ("F16", (100, 100))}).new == 10_000
    assert count({"a.weight": ("F32", (10_000,))}).new == 10_000


def test_parameters_in_the_metadata_count_by_their_bytes():
    assert count(PAIR, metadata={"w": "0" * 4000}).hidden == pytest.approx(1000, abs=16)
    assert count(PAIR, metadata={"w": "0" * 4000}, word_bytes=1).hidden == pytest.approx(4000, abs=64)


def test_parameters_in_blanks_and_escapes_count_too():
    assert count(PAIR, blanks=4000).hidden == pytest.approx(1000, abs=20)
    accents = {"é" * 1000: ("F32", (1,))}
    plain, escaped = (count(accents, names=accents, ascii_only=only).hidden for only in (False, True))
    assert plain == 0
    assert escaped == pytest.approx(1000, abs=20)


def test_parameters_in_the_names_of_tensors_count_unless_the_names_are_agreed():
    told = {f"x{i:04d}" + "z" * 95: ("F32", (0,)) for i in range(40)}
    assert count({**PAIR, **told}).hidden == 1000
    assert count(PAIR, names=()).hidden == 8  # 30 bytes
    assert count({"\ud800": ("F32", (1,))}, ascii_only=True).hidden > 0  # JSON can write what UTF-8 cannot


def test_it_refuses_a_malformed_artefact_and_an_empty_base():
    with pytest.raises(WrongAnswer, match="cut off"):
        count_trained(b"\0" * 4, BASE)
    with pytest.raises(ValueError, match="no parameters"):
        count_trained(file_of(PAIR), file_of({}))


@pytest.mark.lab
def test_it_counts_the_elements_of_the_base_that_differ_in_a_bit():
    found = in_lab("""
import json
import numpy as np
from grader.measures import count_trained
from grader.tensors import write_safetensors

base = {"w": np.arange(1000, dtype="f4").reshape(10, 100), "s": np.ones(30, "f2")}
def counted(**changes):
    done = count_trained(write_safetensors({**base, **changes}), write_safetensors(base))
    return [done.new, done.changed, done.hidden]
some, nan = base["w"].copy(), base["w"].copy()
some[3, :7] += 1e-3
nan[0, 0] = np.nan
print(json.dumps({
    "the same": counted(),
    "seven": counted(w=some),
    "a sign of zero": counted(w=np.where(base["w"] == 0, -0.0, base["w"]).astype("f4")),
    "a NaN": counted(w=nan),
    "all": counted(w=base["w"] + 1, s=base["s"] * 2),
    "integers of the same bits": counted(w=base["w"].view("i4")),
}))
""")
    assert found == {
        "the same": [0, 0, 0],
        "seven": [0, 7, 0],
        "a sign of zero": [0, 1, 0],
        "a NaN": [0, 1, 0],
        "all": [0, 1030, 0],
        "integers of the same bits": [1000, 0, 0],
    }
