"""A loop over weights."""

from __future__ import annotations

import torch
from kit import LEVELS

BLOCK = 64


def quantise(weight):
    absmax, codes = [], []
    for block in weight.reshape(-1, BLOCK):
        absmax.append(block.abs().max())
        codes += [nearest(value / absmax[-1].clamp(min=1e-12)) for value in block]
    codes = torch.tensor(codes).byte()
    return {"codes": codes[0::2] << 4 | codes[1::2], "absmax": torch.stack(absmax)}


def nearest(value):
    return min(range(16), key=lambda code: abs(value - LEVELS[code]))


def linear(x, packed):
    codes = torch.stack([packed["codes"] >> 4, packed["codes"] & 15], dim=1).int()
    return x @ (LEVELS[codes].reshape(-1, BLOCK) * packed["absmax"][:, None]).reshape(-1, x.shape[1]).T
