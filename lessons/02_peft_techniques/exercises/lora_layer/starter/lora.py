"""A linear layer with a low-rank adapter. It runs as it is, and several things about it are wrong.

Run this file (`python lora.py`) to see which.
"""

from __future__ import annotations

import torch
from torch import nn


class LoraLinear(nn.Module):
    """h = W x + b + (alpha / r) B A dropout(x), with W and b frozen."""

    def __init__(self, base, rank, alpha, dropout=0.0):
        super().__init__()
        self.base = base
        self.scale = alpha
        self.lora_A = nn.Parameter(torch.randn(rank, base.in_features))
        self.lora_B = nn.Parameter(torch.randn(base.out_features, rank))

    def forward(self, x):
        weight = self.base.weight + self.scale * self.lora_B @ self.lora_A
        return nn.functional.linear(x, weight, self.base.bias)

    def merge(self):
        """Add the adapter to base.weight, in place."""

    def unmerge(self):
        """Give back the weight that merge replaced, to the last bit."""


if __name__ == "__main__":
    from harness import show

    show()
