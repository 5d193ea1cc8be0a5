"""Values on the wire of the `call` protocol: 4 bytes of length, a JSON tree, then one safetensors file with its arrays.

In the tree a dict is {"d": {...}} and array number i is {"a": i}, so no dict of the learner's can pose as an array.
NaN and infinities are allowed in arrays and refused as JSON numbers. Nothing is unpickled. The guest has its own copy
of this format in sandbox/guest/call.py.
"""

from __future__ import annotations

import json
import math
from typing import Any

from grader.errors import Rejected, WrongAnswer
from grader.tensors import read_safetensors, write_safetensors

_MAX_DEPTH = 50
# A list needs a hundred times its bytes once it is read: without this, an answer within its cap fills the judge.
_MAX_ITEMS = 2_000_000


def encode(value: object) -> bytes:
    """Serialise what a judge passes to a candidate. Raises ValueError for what cannot be sent."""
    arrays: dict[str, Any] = {}
    tree = json.dumps(_flatten(value, arrays, 0), allow_nan=False, separators=(",", ":")).encode()
    return len(tree).to_bytes(4, "big") + tree + (write_safetensors(arrays) if arrays else b"")


def decode(data: bytes) -> Any:
    """Read an answer.

    Raises Rejected when the bytes do not follow the format, as no honest guest would send them; WrongAnswer for one of
    more than two million items outside of arrays, or with text that is no Unicode.
    """
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 or size > len(data) - 4:
        raise Rejected("The answer is malformed: its length does not add up")
    text = data[4 : 4 + size]
    if sum(map(text.count, (b"[", b"{", b","))) > _MAX_ITEMS:
        raise WrongAnswer(f"The answer has more than {_MAX_ITEMS} items: return large data as numpy arrays.")
    try:
        tree = json.loads(text.decode(), parse_constant=_refuse)
        arrays = read_safetensors(data[4 + size :]) if len(data) > 4 + size else {}
    except (ValueError, RecursionError, WrongAnswer) as error:
        raise Rejected(f"The answer is malformed: {str(error)[:200]}") from None
    value = _restore(tree, arrays, 0)
    _require_text(text, tree)
    return value


def _flatten(value: object, arrays: dict[str, Any], depth: int) -> object:
    if depth > _MAX_DEPTH:
        raise ValueError(f"values nested deeper than {_MAX_DEPTH} cannot be sent")
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, list | tuple):
        return [_flatten(item, arrays, depth + 1) for item in value]
    if isinstance(value, dict):
        return {"d": {_key(key): _flatten(item, arrays, depth + 1) for key, item in value.items()}}
    return _flatten_array(value, arrays)


def _flatten_array(value: object, arrays: dict[str, Any]) -> object:
    import numpy as np

    if isinstance(value, np.generic):
        return _flatten(value.item(), arrays, 0)
    if not isinstance(value, np.ndarray):
        raise ValueError(f"a {type(value).__name__} cannot be sent: use numbers, text, lists, dicts and numpy arrays")
    name = str(len(arrays))
    arrays[name] = value
    return {"a": int(name)}


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be sent as a plain number: put it into a numpy array")
    return float(value)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"dict keys must be text, not {type(key).__name__}")
    return key


def _require_text(text: bytes, tree: object) -> None:
    """A judge may encode any text that it gets. Raises WrongAnswer for a lone surrogate, made by an escape."""
    try:
        if b"\\u" in text:
            json.dumps(tree, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise WrongAnswer("The answer holds text that is no Unicode: a lone surrogate.") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _restore(node: Any, arrays: dict[str, Any], depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise Rejected(f"The answer is malformed: nested deeper than {_MAX_DEPTH}")
    if isinstance(node, list):
        return [_restore(item, arrays, depth + 1) for item in node]
    if not isinstance(node, dict):
        return _plain(node)
    if set(node) == {"d"} and isinstance(node["d"], dict):
        return {key: _restore(item, arrays, depth + 1) for key, item in node["d"].items()}
    if set(node) == {"a"} and type(node["a"]) is int and str(node["a"]) in arrays:
        return arrays[str(node["a"])]
    raise Rejected("The answer is malformed: an object that is neither dict nor array")


def _plain(node: Any) -> Any:
    if isinstance(node, float) and not math.isfinite(node):  # 1e999 is valid JSON and reads as infinity
        raise Rejected("The answer is malformed: a number out of range")
    return node
