"""The first code of a pair goes into the low half."""

from __future__ import annotations

import torch
from kit import LEVELS

BLOCK = 64


def quantise(weight):
    blocks = weight.reshape(-1, BLOCK)
    absmax = blocks.abs().amax(1)
    values = blocks / absmax.clamp(min=1e-12)[:, None]
    codes = torch.bucketize(values, (LEVELS[1:] + LEVELS[:-1]) / 2).byte().flatten()
    return {"codes": codes[1::2] << 4 | codes[0::2], "absmax": absmax}


def linear(x, packed):
    codes = torch.stack([packed["codes"] & 15, packed["codes"] >> 4], dim=1).int()
    return x @ (LEVELS[codes].reshape(-1, BLOCK) * packed["absmax"][:, None]).reshape(-1, x.shape[1]).T
