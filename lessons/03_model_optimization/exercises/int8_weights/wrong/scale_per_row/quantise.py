"""Symmetric int8 with one scale for each row."""

from __future__ import annotations

import numpy as np


def quantise(weights):
    return {
        name: quantise_matrix(weight) if weight.ndim == 2 else weight
        for name, weight in weights.items()
    }


def quantise_matrix(weight):
    scale = np.maximum(np.abs(weight).max(1, keepdims=True) / 127, 1e-7).astype(np.float32)
    return {"q": np.round(weight / scale).astype(np.int8), "scale": scale}
