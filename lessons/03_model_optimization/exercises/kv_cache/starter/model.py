"""A small decoder, in the four operations between which attention happens. Attention, and what to remember, is yours.

Read-only. Shapes: T positions of this call, C features, H heads of D = C / H features, V words of the vocabulary.
Each position is embedded on its own; `qkv` turns queries and keys to the position that you give (rotary embedding),
so a key that was computed once stays right for ever. No operation here looks at another position.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

BASE = 10_000.0  # of the rotary embedding
LONGEST = 512  # positions that a sequence may have


class Model:
    """`layers`, `heads` and `width` are what they say; weights are float32."""

    def __init__(self, config: dict[str, int], weights: dict[str, Tensor]) -> None:
        self.layers, self.heads, self.width = config["layers"], config["heads"], config["width"]
        self.weights = weights
        self.cos, self.sin = turns(self.width // self.heads // 2)

    def embed(self, tokens: Tensor) -> Tensor:
        """(T,) token ids → (T, C)."""
        return self.weights["embed"][tokens]

    def qkv(self, layer: int, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(T, C) and the T positions, from 0 on → queries, keys and values, each (H, T, D)."""
        projected = F.linear(normed(x), self.weights[f"{layer}.qkv"])
        q, k, v = projected.view(len(x), 3, self.heads, -1).permute(1, 2, 0, 3)
        cos, sin = self.cos[positions], self.sin[positions]
        return rotated(q, cos, sin), rotated(k, cos, sin), v

    def mix(self, layer: int, x: Tensor, attended: Tensor) -> Tensor:
        """The rest of the layer: x (T, C) and what attention gave (H, T, D) → (T, C)."""
        x = x + F.linear(attended.transpose(0, 1).reshape(len(x), -1), self.weights[f"{layer}.out"])
        hidden = F.relu(F.linear(normed(x), self.weights[f"{layer}.up"])).square()
        return x + F.linear(hidden, self.weights[f"{layer}.down"])

    def logits(self, x: Tensor) -> Tensor:
        """(T, C) after the last layer → (T, V)."""
        return F.linear(normed(x), self.weights["head"])


def normed(x: Tensor) -> Tensor:
    """Root mean square norm, without parameters."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


def turns(pairs: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angle by which a position turns each pair of features: (LONGEST, pairs) each."""
    speeds = BASE ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
    angles = torch.arange(LONGEST)[:, None] * speeds
    return angles.cos().float(), angles.sin().float()


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """(H, T, D) with its pairs of features (i, i + D/2) turned."""
    first, second = x.chunk(2, -1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


def shapes(config: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Name → shape of every weight."""
    width = config["width"]
    found = {"embed": (config["vocabulary"], width), "head": (config["vocabulary"], width)}
    for layer in range(config["layers"]):
        found[f"{layer}.qkv"] = (3 * width, width)
        found[f"{layer}.out"] = (width, width)
        found[f"{layer}.up"] = (4 * width, width)
        found[f"{layer}.down"] = (width, 4 * width)
    return found


def random_model(seed: int = 0) -> Model:
    """A model to try things on; the judge's are drawn the same way, and are larger."""
    config = {"layers": 3, "heads": 4, "width": 128, "vocabulary": 256}
    draw = torch.Generator().manual_seed(seed)
    weights = {
        name: torch.randn(shape, generator=draw) * gain(name) / shape[1] ** 0.5
        for name, shape in shapes(config).items()
    }
    return Model(config, weights)


def gain(name: str) -> float:
    """Chosen so that the next token hangs on the whole context, though nobody trained the model."""
    kind = name.split(".")[-1]
    return {"embed": 8.0, "head": 4.0, "qkv": 2.0, "out": 3.0, "up": 1.0, "down": 1.0}[kind]
