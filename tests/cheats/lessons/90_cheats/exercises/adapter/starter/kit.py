"""Reads and writes the files, and fits honestly."""

from __future__ import annotations

import json
import os

import numpy as np

OUT = "/work/out/adapter.safetensors"
KINDS = {"F32": "<f4", "F64": "<f8"}


def load(path):
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    body = data[8 + size :]
    found = {}
    for name, info in json.loads(data[8 : 8 + size]).items():
        start, end = info["data_offsets"]
        found[name] = np.frombuffer(body[start:end], KINDS[info["dtype"]]).reshape(info["shape"])
    return found


def pack(tensors, metadata=None):
    header, body = ({"__metadata__": metadata} if metadata else {}), b""
    for name, array in tensors.items():
        data = array.tobytes()
        kind = {value: key for key, value in KINDS.items()}[array.dtype.str]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    return raw(json.dumps(header, separators=(",", ":")).encode(), body)


def raw(header, body=b"", size=None):
    return (len(header) if size is None else size).to_bytes(8, "little") + header + body


def data():
    base = load("/work/data/base.safetensors")["base"]
    train = load("/work/data/train.safetensors")
    return base, train["x"], train["y"]


def change():
    """What is to be added to the base."""
    base, x, y = data()
    return np.linalg.lstsq(x, y, rcond=None)[0].T - base


def fit():
    left, size, right = np.linalg.svd(change())
    return {"u": (left[:, :1] * size[0]).astype("<f4"), "v": right[:1].astype("<f4")}


def save(content):
    if os.environ.get("RANK", "0") == "0":
        with open(OUT, "wb") as file:
            file.write(content)
