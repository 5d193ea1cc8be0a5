from __future__ import annotations

import numpy as np


def quantise(weights):
    return {name: weight.astype(np.float16) for name, weight in weights.items()}
