"""Safetensors in memory, read strictly: the bytes come from a hostile box. numpy is imported on first use."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from grader.errors import WrongAnswer

Array: TypeAlias = Any  # a numpy.ndarray; numpy lives only in the lab

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_SIZES = {name: int(code[-1]) for name, code in _DTYPES.items()} | {"BF16": 2}
_NAMES = {numpy_name: name for name, numpy_name in _DTYPES.items()}
_MAX_HEADER = 1024 * 1024
_MAX_TENSORS = 10_000
_MAX_DIMS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a tensor lies: bytes `start` to `end` of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the header of a file says. `header_bytes`: its length, with metadata and padding."""

    tensors: Mapping[str, Place]
    header_bytes: int


def write_safetensors(tensors: Mapping[str, Array]) -> bytes:
    """Serialise numpy arrays. Raises ValueError for a dtype that safetensors does not have."""
    import numpy as np

    header: dict[str, Any] = {}
    chunks: list[bytes] = []
    offset = 0
    for name, array in tensors.items():
        little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        data = little.tobytes()
        header[name] = {
            "dtype": _dtype_name(little.dtype.str),
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *chunks])


def read_safetensors(data: bytes) -> dict[str, Array]:
    """Parse a safetensors file; bfloat16 becomes float32 with the same values. Arrays are copies, writable.

    Refuses what a lenient reader lets through: gaps, overlaps, names twice, trailing bytes, sizes that do not add up.
    Raises WrongAnswer, whose text says what is wrong with the file.
    """
    return {name: _array(name, place, data) for name, place in read_layout(data).tensors.items()}


def read_layout(data: bytes) -> Layout:
    """Parse the header alone, as strictly; without numpy. Raises WrongAnswer."""
    header, start = _split(data)
    entries = [(name, _place(name, info, start)) for name, info in header.items() if name != "__metadata__"]
    entries.sort(key=lambda entry: (entry[1].start, entry[1].end))
    expected = start
    for name, place in entries:
        if place.start != expected:
            raise WrongAnswer(f"safetensors: the data of tensor {name!r} overlaps another or leaves a gap")
        if place.elements * _SIZES[place.dtype] != place.size or place.end > len(data):
            raise WrongAnswer(
                f"safetensors: tensor {name!r} has shape {place.shape}, which does not fit its {place.size} bytes"
            )
        expected = place.end
    if expected != len(data):
        raise WrongAnswer(f"safetensors: {len(data) - expected} bytes belong to no tensor")
    return Layout(tensors=dict(entries), header_bytes=start - 8)


def _dtype_name(numpy_name: str) -> str:
    if numpy_name not in _NAMES:
        raise ValueError(f"arrays of dtype {numpy_name} cannot be sent: use numbers or booleans of at most 64 bits")
    return _NAMES[numpy_name]


def _split(data: bytes) -> tuple[dict[str, Any], int]:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(_MAX_HEADER, len(data) - 8):
        raise WrongAnswer("safetensors: the file is cut off, or its header is too long")
    try:
        header = json.loads(data[8 : 8 + size].decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise WrongAnswer("safetensors: the header is not a JSON object") from None
    if not isinstance(header, dict) or len(header) > _MAX_TENSORS:
        raise WrongAnswer(f"safetensors: the header is not a JSON object of at most {_MAX_TENSORS} tensors")
    return header, 8 + size


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice")
    return names


def _place(name: str, info: object, body: int) -> Place:
    if not isinstance(info, dict) or set(info) != {"dtype", "shape", "data_offsets"}:
        raise WrongAnswer(f"safetensors: tensor {name!r} needs exactly dtype, shape and data_offsets")
    dtype, shape, offsets = info["dtype"], info["shape"], info["data_offsets"]
    if not isinstance(dtype, str) or (dtype not in _DTYPES and dtype != "BF16"):
        raise WrongAnswer(f"safetensors: tensor {name!r} has dtype {str(dtype)[:40]!r}, which is not supported")
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(shape) > _MAX_DIMS or len(offsets) != 2:
        raise WrongAnswer(f"safetensors: tensor {name!r} has an impossible shape or place")
    return Place(dtype=dtype, shape=tuple(shape), start=body + offsets[0], end=body + offsets[1])


def _are_sizes(values: object) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**48 for value in values)


def _array(name: str, place: Place, data: bytes) -> Array:
    import numpy as np

    part = memoryview(data)[place.start : place.end]
    if place.dtype == "BOOL" and any(byte > 1 for byte in set(bytes(part))):
        raise WrongAnswer(f"safetensors: tensor {name!r} has booleans that are neither 0 nor 1")
    flat = np.frombuffer(part, dtype="<u2" if place.dtype == "BF16" else _DTYPES[place.dtype])
    if place.dtype == "BF16":
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    return flat.reshape(place.shape).copy()
