"""Symmetric int8 with a scale for each group of neighbouring weights of a row."""

from __future__ import annotations

import numpy as np

GROUP = 8


def quantise(weights):
    return {
        name: quantise_matrix(weight) if weight.ndim == 2 else weight
        for name, weight in weights.items()
    }


def quantise_matrix(weight):
    rows, columns = weight.shape
    groups = weight.reshape(rows, columns // GROUP, GROUP)
    scale = np.maximum(np.abs(groups).max(2) / 127, 1e-7).astype(np.float32)
    q = np.round(groups / scale[..., None].astype(np.float32)).clip(-127, 127)
    return {"q": q.astype(np.int8).reshape(rows, columns), "scale": scale}
