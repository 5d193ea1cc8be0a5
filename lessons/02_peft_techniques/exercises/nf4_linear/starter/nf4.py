"""A linear layer in four bits. It packs and reads correctly, but its scales are bad: make them good, and cheap.

Run this file (`python nf4.py`) to see what the judge would measure.
"""

from __future__ import annotations

from kit import LEVELS, try_it

BLOCK = 64


def quantise(weight):
    """weight (out, in) in float32 -> the packed layer, a dict of flat tensors. The prompt has the format."""
    absmax = weight.abs().max()  # one scale for the whole matrix: what does a single outlier do to it?
    values = weight.flatten() / absmax
    codes = (values[:, None] - LEVELS).abs().argmin(1).byte()
    return {
        "codes": codes[0::2] << 4 | codes[1::2],
        "absmax": absmax.repeat(weight.numel() // BLOCK),
    }


def linear(x, packed):
    """x (tokens, in) in float32 -> (tokens, out), from the packed layer alone."""
    absmax = packed["absmax"]
    codes = packed["codes"].int()
    pairs = LEVELS[codes >> 4], LEVELS[codes & 15]
    values = x.new_empty(2 * len(codes))
    values[0::2], values[1::2] = pairs
    weight = values.reshape(len(absmax), -1) * absmax[:, None]
    return x @ weight.reshape(-1, x.shape[1]).T


if __name__ == "__main__":
    try_it(quantise, linear)
