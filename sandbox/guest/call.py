"""Answers calls inside a box: loads the learner's module and runs one function per frame.

Learner code shares this process and may own the channel; the host therefore believes no answer that it has not
checked. The format of values is that of the host's grader/values.py. numpy is imported only when an array is in play.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.guest.frames import read_frame, write_frame

WORK = "/work"
_MAX_DEPTH = 50
# The host reads no more outside of arrays.
_MAX_ITEMS = 2_000_000
_MAX_TEXT = 2000
_MAX_FRAMES = 20
_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_NAMES = {numpy_name: name for name, numpy_name in _DTYPES.items()}


class UnsendableError(ValueError):
    """The learner's answer has no form on the wire."""


def main() -> None:
    """Serve until the host closes the channel."""
    functions: dict[str, Any] = {}
    # Out of the learner's way: their own modules may have any name.
    sys.path[:] = [WORK, *(path for path in sys.path if path not in {"", "/opt/rankzero"})]
    while (request := read_frame()) is not None:
        header, payload = request
        kind, answer = _answer(header, payload, functions)
        sys.stdout.flush()
        write_frame({"nonce": header["nonce"], "kind": kind}, answer)
    sys.stdout.flush()
    os._exit(0)


def _answer(header: dict[str, Any], payload: bytes, functions: dict[str, Any]) -> tuple[str, bytes]:
    try:
        if header["do"] == "load":
            functions.update(_load(header["entry"]))
            return "value", encode(None)
        arguments = decode(payload)
        result = _find(functions, header["function"])(*arguments["args"], **arguments["kwargs"])
    except BaseException as error:  # SystemExit too: an exit is an answer here
        return "error", describe(error)
    try:
        return "value", encode(result)
    except (UnsendableError, RecursionError) as error:
        return "unsendable", str(error)[:_MAX_TEXT].encode()


def _load(entry: str) -> dict[str, Any]:
    path = Path(WORK, entry)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return vars(module)


def _find(functions: dict[str, Any], name: str) -> Callable[..., Any]:
    function = functions.get(name)
    if not callable(function):
        raise NameError(f"the module has no function {name!r}")
    return function  # type: ignore[no-any-return]


def describe(error: BaseException) -> bytes:
    """The exception as JSON: type, message, and (file, line) of the learner's frames, innermost last."""
    here = str(Path(__file__).parent)
    frames = [
        (frame.filename, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((here, "<"))
    ]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))
    try:
        message = str(error)[:_MAX_TEXT]
    except Exception:
        message = ""
    text = {"type": type(error).__name__[:100], "message": message, "frames": frames[-_MAX_FRAMES:]}
    return json.dumps(text).encode()


def encode(value: object) -> bytes:
    """A value as bytes. Raises UnsendableError."""
    arrays: list[Any] = []
    tree = json.dumps(_flatten(value, arrays, 0), allow_nan=False, separators=(",", ":")).encode()
    _require_few(sum(map(tree.count, (b"[", b"{", b","))))  # counted as the host counts
    return len(tree).to_bytes(4, "big") + tree + (_write_arrays(arrays) if arrays else b"")


def decode(data: bytes) -> Any:
    """The value that the host sent."""
    size = int.from_bytes(data[:4], "big")
    return _restore(json.loads(data[4 : 4 + size]), _read_arrays(data[4 + size :]) if len(data) > 4 + size else [])


def _flatten(value: Any, arrays: list[Any], depth: int) -> object:
    if depth > _MAX_DEPTH:
        raise UnsendableError(f"the answer is nested deeper than {_MAX_DEPTH}")
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, list | tuple | dict):
        _require_few(len(value))  # before a copy of them all is made
    if isinstance(value, list | tuple):
        return [_flatten(item, arrays, depth + 1) for item in value]
    if isinstance(value, dict):
        return {"d": {_key(key): _flatten(item, arrays, depth + 1) for key, item in value.items()}}
    return _flatten_array(value, arrays, depth)


def _flatten_array(value: Any, arrays: list[Any], depth: int) -> object:
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        item = value.item()
        if not isinstance(item, numpy.generic):  # long double has no Python form
            return _flatten(item, arrays, depth + 1)
    if numpy is None or not isinstance(value, numpy.ndarray) or _little(value).dtype.str not in _NAMES:
        kind = f"{type(value).__name__} {getattr(value, 'dtype', '')}".strip()
        raise UnsendableError(f"the answer holds a {kind}: use numbers, text, lists, dicts and arrays of numbers")
    arrays.append(_little(value))
    return {"a": len(arrays) - 1}


def _little(array: Any) -> Any:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _require_few(items: int) -> None:
    if items > _MAX_ITEMS:
        raise UnsendableError(f"the answer has more than {_MAX_ITEMS} items: return large data as numpy arrays")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise UnsendableError(
            f"the answer holds {value} as a plain number: NaN and infinity are allowed only in arrays"
        )
    return float(value)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise UnsendableError(f"the answer holds a dict with a key that is not text: {type(key).__name__}")
    return str(key)


def _write_arrays(arrays: list[Any]) -> bytes:
    header: dict[str, Any] = {}
    chunks: list[bytes] = []
    offset = 0
    for number, array in enumerate(arrays):
        data = array.tobytes()
        offsets = [offset, offset + len(data)]
        header[str(number)] = {"dtype": _NAMES[array.dtype.str], "shape": list(array.shape), "data_offsets": offsets}
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *chunks])


def _read_arrays(data: bytes) -> list[Any]:
    numpy = importlib.import_module("numpy")
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    arrays = []
    for number in range(len(header)):
        info = header[str(number)]
        start, end = info["data_offsets"]
        flat = numpy.frombuffer(body[start:end], dtype=_DTYPES[info["dtype"]])
        arrays.append(flat.reshape(info["shape"]).copy())
    return arrays


def _restore(node: Any, arrays: list[Any]) -> Any:
    if isinstance(node, list):
        return [_restore(item, arrays) for item in node]
    if not isinstance(node, dict):
        return node
    if "a" in node:
        return arrays[node["a"]]
    return {key: _restore(item, arrays) for key, item in node["d"].items()}


if __name__ == "__main__":
    main()
