"""Large columns go back into the norm before them; then symmetric int8 with a float16 scale for 32 weights of a row."""

from __future__ import annotations

import numpy as np
from kit import try_it

GROUP = 32  # 1 + 2/32 bytes a weight: 0.266 of float32
READERS = {"norm1": ("attention.q", "attention.k", "attention.v"), "norm2": ("mlp.up",)}


def quantise(weights):
    """Name → {"q": int8, "scale": float16 of shape (rows, groups)} for matrices; float16 for the norms."""
    return {
        name: quantise_matrix(weight) if weight.ndim == 2 else weight.astype(np.float16)
        for name, weight in equalise(weights).items()
    }


def equalise(weights):
    """The same function with columns of like size: what a column loses, the norm's gain before it wins.

    The factors are powers of two, so that nothing is rounded.
    """
    weights = dict(weights)
    for name, gain in weights.items():
        block, _, norm = name.removesuffix(".weight").rpartition(".")
        readers = [f"{block}.{reader}.weight" for reader in READERS.get(norm, ())]
        if readers:
            size = np.max([np.abs(weights[reader]).max(0) for reader in readers], axis=0)
            factor = np.exp2(np.round(np.log2(size / np.median(size)))).astype(np.float32)
            weights[name] = gain * factor
            for reader in readers:
                weights[reader] = weights[reader] / factor
    return weights


def quantise_matrix(weight):
    """A large weight costs precision in its own group only."""
    rows, columns = weight.shape
    groups = weight.reshape(rows, columns // GROUP, GROUP)
    # The scale is rounded to float16 first, so that q is the best answer to the scale that the reader will see.
    # The largest weight may then come to 127.04, which rounds to 127.
    scale = np.maximum(np.abs(groups).max(2) / 127, 1e-7).astype(np.float16)
    q = np.round(groups / scale[..., None].astype(np.float32)).clip(-127, 127)
    return {"q": q.astype(np.int8).reshape(rows, columns), "scale": scale}


if __name__ == "__main__":
    try_it(quantise)
