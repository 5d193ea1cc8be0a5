"""Our reader of safetensors, against the reference library and against hostile files."""

from __future__ import annotations

import json

import pytest

from grader.errors import WrongAnswer
from grader.tensors import read_safetensors
from tests.fixtures.exercises import in_lab


def file_of(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def entry(dtype="U8", shape=(2,), offsets=(0, 2)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


HOSTILE = {
    "empty": b"",
    "cut off": b"\x08\0\0\0\0\0\0",
    "header longer than the file": (10**6).to_bytes(8, "little") + b"{}",
    "header of terabytes": (2**62).to_bytes(8, "little"),
    "not JSON": file_of(b"{nope}"),
    "a list": file_of([]),
    "not UTF-8": file_of(b"\xff\xfe"),
    "deep nesting": file_of(b"[" * 100_000),
    "a name twice": file_of(b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},'
                            b'"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
    "unknown dtype": file_of({"a": entry(dtype="F8_E4M3")}, b"12"),
    "dtype not text": file_of({"a": entry(dtype=["U8"])}, b"12"),
    "negative dimension": file_of({"a": entry(shape=(-2,))}, b"12"),
    "fractional dimension": file_of({"a": entry(shape=(2.0,))}, b"12"),
    "boolean dimension": file_of({"a": entry(shape=(True, 2))}, b"12"),
    "too many dimensions": file_of({"a": entry(shape=[1] * 9 + [2])}, b"12"),
    "shape larger than the data": file_of({"a": entry(shape=(3,))}, b"12"),
    "shape that overflows": file_of({"a": entry(shape=(2**40, 2**40))}, b"12"),
    "extra field": file_of({"a": entry() | {"strides": [1]}}, b"12"),
    "missing field": file_of({"a": {"dtype": "U8", "shape": [2]}}, b"12"),
    "offsets beyond the end": file_of({"a": entry(shape=(4,), offsets=(0, 4))}, b"12"),
    "offsets backwards": file_of({"a": entry(offsets=(2, 0))}, b"12"),
    "three offsets": file_of({"a": entry(offsets=(0, 1, 2))}, b"12"),
    "overlap": file_of({"a": entry(), "b": entry(offsets=(1, 3))}, b"123"),
    "gap": file_of({"a": entry(), "b": entry(offsets=(3, 5))}, b"12345"),
    "trailing bytes": file_of({"a": entry()}, b"123"),
    "boolean of 2": file_of({"a": entry(dtype="BOOL")}, b"\x01\x02"),
    "too many tensors": file_of({str(i): entry(shape=(0,), offsets=(0, 0)) for i in range(10_001)}),
}  # fmt: skip


@pytest.mark.lab
def test_it_refuses_every_hostile_file_and_reads_an_honest_one():
    files = {name: data.hex() for name, data in HOSTILE.items()}
    honest = file_of({"__metadata__": {"by": "us"}, "a": entry()}, b"12").hex()
    refused = in_lab(f"""
import json
from grader.errors import WrongAnswer
from grader.tensors import read_safetensors
refused = {{}}
for name, data in {files!r}.items():
    try:
        read_safetensors(bytes.fromhex(data))
        refused[name] = "accepted"
    except WrongAnswer as error:
        refused[name] = str(error)
assert read_safetensors(bytes.fromhex({honest!r}))["a"].tolist() == [49, 50]
print(json.dumps(refused))
""")
    assert set(refused) == set(HOSTILE)
    assert [name for name, message in refused.items() if not message.startswith("safetensors: ")] == []


def test_it_needs_no_numpy_to_refuse_a_file():
    with pytest.raises(WrongAnswer, match="cut off"):
        read_safetensors(b"")


@pytest.mark.lab
def test_it_agrees_with_the_reference_library_both_ways():
    assert in_lab("""
import json
import numpy as np
from safetensors.numpy import load, save
from grader.tensors import read_safetensors, write_safetensors
rng = np.random.default_rng(0)
arrays = {d: (rng.normal(size=(3, 4)) * 50).astype(d) for d in
          "float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool".split()}
arrays |= {"empty": np.zeros((0, 5), "f4"), "scalar": np.array(3, "f4"), "big": np.arange(6, dtype=">i4"),
           "strided": np.arange(12.0).reshape(3, 4).T, "nan": np.array([np.nan, np.inf])}
plain = {name: array.astype(array.dtype.newbyteorder("<"), order="C") for name, array in arrays.items()}
theirs, ours = load(write_safetensors(arrays)), read_safetensors(save(plain))
for name, array in arrays.items():
    for got in (theirs[name], ours[name]):
        assert got.shape == array.shape and np.array_equal(got, array, equal_nan=array.dtype.kind == "f"), name
ours["float32"][0, 0] = 1  # writable: a copy
print(json.dumps(True))
""")


@pytest.mark.lab
def test_it_reads_bfloat16_as_the_same_float32_values():
    assert in_lab("""
import json
import torch
from safetensors.torch import save
from grader.tensors import read_safetensors
values = torch.randn(64).bfloat16()
got = read_safetensors(save({"a": values}))["a"]
print(json.dumps(got.dtype.name == "float32" and torch.equal(torch.from_numpy(got), values.float())))
""")


@pytest.mark.lab
def test_it_refuses_to_write_objects():
    assert "cannot be sent" in in_lab("""
import json
import numpy as np
from grader.tensors import write_safetensors
try:
    write_safetensors({"a": np.array([object()])})
except ValueError as error:
    print(json.dumps(str(error)))
""")
