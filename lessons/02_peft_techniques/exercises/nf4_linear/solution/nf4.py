"""NF4 in blocks of 16 with double quantisation: 4 + 8/16 + 32/(16 * 256) = 4.508 bits a weight, 0.282 of 16 bits.

Each block's scale is searched: a little less than its absmax clips one weight and serves the other fifteen.
"""

from __future__ import annotations

import torch
from kit import GROUP, LEVELS, try_it
from torch import Tensor
from torch.nn import functional as F

BLOCK = 16
BOUNDARIES = (LEVELS[1:] + LEVELS[:-1]) / 2
FACTORS = torch.linspace(0.75, 1.05, 13)  # of the absmax


def quantise(weight: Tensor) -> dict[str, Tensor]:
    """weight (out, in) in float32 -> the packed layer, a dict of flat tensors."""
    blocks = weight.reshape(-1, BLOCK)
    packed = pack_scales(best_scales(blocks))
    codes = nearest(
        blocks, unpack_scales(packed)
    ).flatten()  # of the scales that linear will read, not of the exact ones
    return {"codes": codes[0::2] << 4 | codes[1::2], **packed}


def linear(x: Tensor, packed: dict[str, Tensor]) -> Tensor:
    """x (tokens, in) in float32 -> (tokens, out), from the packed layer alone."""
    codes = torch.stack([packed["codes"] >> 4, packed["codes"] & 15], dim=1).flatten().int()
    absmax = packed["absmax"] if "absmax" in packed else unpack_scales(packed)
    weight = LEVELS[codes].reshape(len(absmax), -1) * absmax[:, None]
    return x @ weight.reshape(-1, x.shape[1]).T


def nearest(blocks: Tensor, absmax: Tensor) -> Tensor:
    """Codes 0 to 15 of the nearest level, in the shape of the blocks."""
    safe = torch.where(absmax == 0, 1.0, absmax)  # a block of zeros has no scale, and its codes are level 7, which is 0
    return torch.bucketize(blocks / safe[:, None], BOUNDARIES).byte()


def best_scales(blocks: Tensor) -> Tensor:
    """Of some multiples of each block's absmax the one with the least squared error."""
    candidates = blocks.abs().amax(1) * FACTORS[:, None]  # (factors, blocks)
    errors = [
        (LEVELS[nearest(blocks, absmax).int()] * absmax[:, None] - blocks).square().sum(1) for absmax in candidates
    ]
    best = torch.stack(errors).argmin(0)
    return candidates.gather(0, best[None])[0]


def pack_scales(absmax: Tensor) -> dict[str, Tensor]:
    """Eight bits a scale: its distance from the mean, in 127ths of the largest distance in its group of 256."""
    mean = absmax.mean()
    distance = absmax - mean
    groups = F.pad(distance, (0, -len(distance) % GROUP)).reshape(-1, GROUP)
    scales = groups.abs().amax(1)
    steps = 127 * groups / torch.where(scales == 0, 1.0, scales)[:, None]
    codes = (steps.round() + 128).byte().flatten()[: len(absmax)]
    return {"absmax_codes": codes, "absmax_scales": scales, "absmax_mean": mean[None]}


def unpack_scales(packed: dict[str, Tensor]) -> Tensor:
    """One float32 per block again."""
    codes = packed["absmax_codes"].float() - 128
    scales = packed["absmax_scales"].repeat_interleave(GROUP)[: len(codes)]
    return packed["absmax_mean"] + scales * codes / 127


if __name__ == "__main__":
    try_it(quantise, linear)
