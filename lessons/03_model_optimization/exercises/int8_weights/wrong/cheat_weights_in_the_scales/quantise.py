from __future__ import annotations

import numpy as np


def quantise(weights):
    return {
        name: {"q": np.ones(weight.shape, np.int8), "scale": weight} if weight.ndim == 2 else weight
        for name, weight in weights.items()
    }
