"""A linear layer with a low-rank adapter."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class LoraLinear(nn.Module):
    """h = W x + b + (alpha / r) B A dropout(x), with W and b frozen."""

    def __init__(self, base, rank, alpha, dropout=0.0):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = alpha / rank
        self.dropout = nn.Dropout(dropout)
        self.lora_A = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.lora_B = nn.Parameter(torch.randn(base.out_features, rank) / rank)
        self._replaced = None  # the weight that merge replaced; kept only while merged, and in no state dict

    def forward(self, x):
        out = self.base(x)
        if self._replaced is not None:
            return out
        low = F.linear(self.dropout(x), self.lora_A)  # r features a row: B A itself is never built
        return out + self.scale * F.linear(low, self.lora_B)

    @torch.no_grad()
    def merge(self):
        """Add the adapter to base.weight, in place."""
        if self._replaced is None:
            self._replaced = self.base.weight.detach().clone()
            self.base.weight.addmm_(self.lora_B, self.lora_A, alpha=self.scale)

    @torch.no_grad()
    def unmerge(self):
        """Give back the weight that merge replaced: subtracting would leave a rounding error behind."""
        if self._replaced is not None:
            self.base.weight.copy_(self._replaced)
            self._replaced = None


if __name__ == "__main__":
    from harness import show

    show()
