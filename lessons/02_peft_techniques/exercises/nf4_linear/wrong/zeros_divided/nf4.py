"""Double quantisation without a thought for blocks of zeros."""

from __future__ import annotations

import torch
from kit import GROUP, LEVELS

BLOCK = 64


def quantise(weight):
    blocks = weight.reshape(-1, BLOCK)
    absmax = blocks.abs().amax(1)
    values = blocks / absmax[:, None]
    codes = torch.bucketize(values, (LEVELS[1:] + LEVELS[:-1]) / 2).byte().flatten()
    absmax = absmax * values.abs().amax(1)  # the largest is 1, "to be safe"
    mean = absmax.mean()
    distance = torch.nn.functional.pad(absmax - mean, (0, -len(absmax) % GROUP)).reshape(-1, GROUP)
    scales = distance.abs().amax(1)
    steps = (127 * distance / scales[:, None]).round() + 128
    return {
        "codes": codes[0::2] << 4 | codes[1::2],
        "absmax_codes": steps.byte().flatten()[: len(absmax)],
        "absmax_scales": scales,
        "absmax_mean": mean[None],
    }


def linear(x, packed):
    steps = packed["absmax_codes"].float() - 128
    absmax = packed["absmax_mean"] + packed["absmax_scales"].repeat_interleave(GROUP)[: len(steps)] * steps / 127
    codes = torch.stack([packed["codes"] >> 4, packed["codes"] & 15], dim=1).int()
    return x @ (LEVELS[codes].reshape(-1, BLOCK) * absmax[:, None]).reshape(-1, x.shape[1]).T
