"""A small byte-level GPT as a chain of units, and its initial weights. Read-only.

Shapes: B sequences, T bytes, D features. The chain is Embed, then Blocks, then Head: what is sharded unit by unit is
gathered unit by unit. A parameter's name is its name in the chain: "0.bytes.weight", "1.qkv.weight", and so on.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BYTES = 256


class Shape(NamedTuple):
    layers: int
    width: int
    heads: int
    context: int


class Embed(nn.Module):
    """Bytes (B, T) → features (B, T, D)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.bytes = nn.Embedding(BYTES, shape.width)
        self.places = nn.Embedding(shape.context, shape.width)

    def forward(self, ids: Tensor) -> Tensor:
        return self.bytes(ids) + self.places.weight[: ids.shape[1]]


class Block(nn.Module):
    """Causal attention and a perceptron, each with a norm before and a residual around it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.norm1 = nn.LayerNorm(shape.width, bias=False)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.norm2 = nn.LayerNorm(shape.width, bias=False)
        self.up = nn.Linear(shape.width, 4 * shape.width, bias=False)
        self.down = nn.Linear(4 * shape.width, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(-2))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Head(nn.Module):
    """Features (B, T, D) → logits (B, T, 256)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(shape.width, bias=False)
        self.logits = nn.Linear(shape.width, BYTES, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(self.norm(x))


class GPT(nn.Sequential):
    """The chain. Under `torch.device("meta")` it has shapes and no memory; `initial` gives one parameter at a time."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(Embed(shape), *(Block(shape) for _ in range(shape.layers)), Head(shape))


def initial(name: str, size: torch.Size, seed: int) -> Tensor:
    """The initial value of a parameter: ones for the norms, else drawn by its name, the same on every rank."""
    if len(size) == 1:
        return torch.ones(size)
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    draw = torch.Generator().manual_seed(int.from_bytes(digest[:6], "big"))
    return torch.normal(0.0, 0.5 * size[-1] ** -0.5, size, generator=draw)
