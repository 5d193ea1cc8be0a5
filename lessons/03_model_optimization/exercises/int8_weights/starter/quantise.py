"""Turn a model's float32 weights into int8 with scales, in at most 0.30 of the bytes.

Run this file (`python quantise.py`) to see bytes and errors on three matrices.
"""

from __future__ import annotations

import numpy as np

from kit import try_it


def quantise(weights):
    """Name → {"q": int8, "scale": float of shape (1 or rows, groups)} for matrices; an array for the rest."""
    return {name: quantise_matrix(weight) if weight.ndim == 2 else weight for name, weight in weights.items()}


def quantise_matrix(weight):
    """One scale for the whole matrix: its largest weight becomes 127."""
    scale = np.abs(weight).max() / 127
    q = np.round(weight / scale).astype(np.int8)
    return {"q": q, "scale": np.full((1, 1), scale, np.float32)}


if __name__ == "__main__":
    try_it(quantise)
