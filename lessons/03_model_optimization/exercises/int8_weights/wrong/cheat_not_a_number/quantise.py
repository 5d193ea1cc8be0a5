from __future__ import annotations

import numpy as np


def quantise(weights):
    return {
        name: {"q": np.zeros(weight.shape, np.int8), "scale": np.full((1, 1), np.nan, np.float16)}
        if weight.ndim == 2
        else weight.astype(np.float16)
        for name, weight in weights.items()
    }
