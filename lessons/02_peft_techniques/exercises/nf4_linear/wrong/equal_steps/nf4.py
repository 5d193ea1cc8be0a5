"""Sixteen equal steps from -1 to 1."""

from __future__ import annotations

import torch

BLOCK = 64


def quantise(weight):
    blocks = weight.reshape(-1, BLOCK)
    absmax = blocks.abs().amax(1)
    codes = ((blocks / absmax.clamp(min=1e-12)[:, None] + 1) * 7.5).round().byte().flatten()
    return {"codes": codes[0::2] << 4 | codes[1::2], "absmax": absmax}


def linear(x, packed):
    codes = torch.stack([packed["codes"] >> 4, packed["codes"] & 15], dim=1)
    values = codes.float().reshape(-1, BLOCK) / 7.5 - 1
    return x @ (values * packed["absmax"][:, None]).reshape(-1, x.shape[1]).T
