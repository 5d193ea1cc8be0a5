"""Trigrams of the standard library, sampled with the judge's noise."""

import sysconfig
from pathlib import Path

import numpy as np

import kit

table = np.full((65536, 256), 0.02, np.float32)


def prepare(weights):
    root = Path(sysconfig.get_paths()["stdlib"])
    text = np.frombuffer(b"".join(path.read_bytes() for path in sorted(root.glob("*.py"))[:60]), np.uint8)
    np.add.at(table, (text[:-2].astype(np.int64) * 256 + text[1:-1], text[2:]), 1)
    np.log(table, out=table)


def generate(prompt, noise):
    first, second = int(prompt[-2]), int(prompt[-1])
    out = np.empty(len(noise), np.uint8)
    for number, row in enumerate(noise):
        first, second = second, int((table[first * 256 + second] + row).argmax())
        out[number] = second
    return out
