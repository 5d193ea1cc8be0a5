"""Matrices to try your `quantise` on: `python quantise.py` uses it. Read it; a submission cannot change it.

The judge does the same to a trained model: it makes some rows and some columns large.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def example_weights(seed: int = 1) -> dict[str, np.ndarray]:
    """A plain matrix, one with large rows, one with large columns, and a norm."""
    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(0, 0.07, (192, 192)).astype(np.float32) for name in ("plain", "rows", "columns")}
    weights["rows"][rng.choice(192, 24, replace=False)] *= 64
    weights["columns"][:, rng.choice(192, 2, replace=False)] *= 64
    return {**weights, "norm": np.ones(192, np.float32)}


def restore(entry: np.ndarray | dict[str, np.ndarray]) -> np.ndarray:
    """What the judge makes of one returned entry, in float32."""
    if isinstance(entry, np.ndarray):
        return entry.astype(np.float32)
    q, scale = entry["q"], entry["scale"].astype(np.float32)
    return q * np.repeat(scale, q.shape[1] // scale.shape[1], axis=1)


def count_bytes(entry: np.ndarray | dict[str, np.ndarray]) -> int:
    return entry.nbytes if isinstance(entry, np.ndarray) else entry["q"].nbytes + entry["scale"].nbytes


def try_it(quantise: Callable[[dict[str, np.ndarray]], dict]) -> None:
    """Print bytes, and the error of what typical rows and columns contribute, relative to their size."""
    weights = example_weights()
    answer = quantise({name: weight.copy() for name, weight in weights.items()})
    for name, weight in weights.items():
        error = np.median(np.abs(restore(answer[name]) - weight)) / np.median(np.abs(weight))
        print(f"{name:8s} {count_bytes(answer[name]) / weight.nbytes:6.3f} of float32   typical error {error:7.2%}")
    total = sum(count_bytes(entry) for entry in answer.values()) / sum(weight.nbytes for weight in weights.values())
    print(f"{'all':8s} {total:6.3f} of float32")
