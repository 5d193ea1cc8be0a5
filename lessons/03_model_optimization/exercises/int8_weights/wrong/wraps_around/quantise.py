from __future__ import annotations

import numpy as np


def quantise(weights):
    return {name: quantise_matrix(weight) if weight.ndim == 2 else weight for name, weight in weights.items()}


def quantise_matrix(weight):
    scale = np.abs(weight).max(1, keepdims=True) / 128  # int8 has 128 steps, has it not?
    q = np.round(weight / scale).astype(np.int32).astype(np.int8)
    return {"q": q, "scale": scale}
