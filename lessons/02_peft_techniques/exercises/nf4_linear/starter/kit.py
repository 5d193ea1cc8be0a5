"""The sixteen levels, and what tries your functions on a layer of its own. Read-only."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

# NF4 (Dettmers et al. 2023, QLoRA, appendix E): quantiles of the normal distribution, scaled to reach -1 and 1.
LEVELS = torch.tensor(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ]
)
GROUP = 256  # blocks that share one scale of scales

Packed = dict[str, Tensor]


def draw_weight(rows: int, columns: int) -> Tensor:
    """Normal weights; each row has a size of its own, a few weights are outliers, and one row has been pruned."""
    weight = torch.randn(rows, columns) * torch.exp(0.5 * torch.randn(rows, 1)) / math.sqrt(columns)
    weight = torch.where(torch.rand(rows, columns) < 2e-4, 12 * weight, weight)
    weight[3] = 0.0
    return weight


def try_it(quantise: Callable[[Tensor], Packed], linear: Callable[[Tensor, Packed], Tensor]) -> None:
    """Print what the judge would measure on a layer like its own."""
    known = {"codes": torch.arange(1, 256, 34, dtype=torch.uint8), "absmax": torch.tensor([1.0])}  # 0x01, 0x23 … 0xEF
    print("levels read from eight known bytes, which should be kit.LEVELS:")
    print(" ", [round(value, 3) for value in linear(torch.eye(16), known)[:, 0].tolist()])
    torch.manual_seed(0)
    weight, x = draw_weight(256, 512), torch.randn(64, 512)
    packed = quantise(weight)
    for name, tensor in packed.items():
        print(f"{name:14s} {tensor.dtype!s:14s} {tuple(tensor.shape)!s:12s} {tensor.nbytes:7,} bytes")
    wanted = x @ weight.T
    error = (linear(x, packed) - wanted).norm() / wanted.norm()
    print(f"bytes_ratio  {sum(tensor.nbytes for tensor in packed.values()) / (2 * weight.numel()):.4f}")
    print(f"output_error {100 * error.item():.2f} %")
