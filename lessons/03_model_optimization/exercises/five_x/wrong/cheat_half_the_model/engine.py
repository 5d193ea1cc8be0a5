"""A key-value cache, and a decode step with as few and as cheap operations as it needs.

The prompt is read by torch, in one pass. A step is another matter: it multiplies matrices by one vector, about a
hundred small operations, and at this size most of torch's time goes into starting them. numpy starts them for less, so
steps are numpy's, on the same memory.

What does not depend on the text is done in `prepare`: q, k and v become one matrix, and the norms' gains move into the
matrices that read them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import erf
from torch import Tensor
from torch.nn import functional as F

import kit

HEAD = kit.WIDTH // kit.HEADS
SCALE = HEAD**-0.5


class Block(NamedTuple):
    qkv: np.ndarray
    o: np.ndarray
    up: np.ndarray
    down: np.ndarray
    keys: np.ndarray  # (H, CONTEXT, HEAD): the cache; what is beyond the current position is never read
    values: np.ndarray


class Engine:
    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.embed, self.position = weights["embed.weight"], weights["position.weight"]
        self.head = weights["embed.weight"] * weights["norm.weight"]
        self.blocks = [self.block(weights, f"blocks.{layer}") for layer in range(kit.LAYERS // 2)]

    def block(self, weights: dict[str, np.ndarray], name: str) -> Block:
        gain1, gain2 = (weights[f"{name}.norm{n}.weight"] for n in (1, 2))
        qkv = np.concatenate([weights[f"{name}.attention.{n}.weight"] for n in "qkv"]) * gain1
        qkv[: kit.WIDTH] *= SCALE  # the queries: one product less per step
        o, up, down = (weights[f"{name}.{n}.weight"] for n in ("attention.o", "mlp.up", "mlp.down"))
        cache = np.zeros((2, kit.HEADS, kit.CONTEXT, HEAD), np.float32)
        return Block(qkv, o, up * gain2, down, *cache)

    def prefill(self, prompt: np.ndarray) -> np.ndarray:
        """Read the prompt in one pass, fill the cache from position 0, and return the last position's logits."""
        count = len(prompt)
        x = torch.from_numpy(self.embed[prompt] + self.position[:count])
        for block in self.blocks:
            qkv, o, up, down, keys, values = map(torch.from_numpy, block)  # views: no copies
            q, k, v = F.linear(normed(x), qkv).view(count, 3, kit.HEADS, HEAD).permute(1, 2, 0, 3)
            keys[:, :count], values[:, :count] = k, v
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=1.0)
            x = x + F.linear(mixed.transpose(0, 1).flatten(1), o)
            x = x + F.linear(F.gelu(F.linear(normed(x), up)), down)
        return self.head @ normed(x[-1]).numpy()

    def step(self, token: int, position: int) -> np.ndarray:
        """One new byte at `position`: its key and value join the cache, and its query sees all of it."""
        x = self.embed[token] + self.position[position]
        seen = position + 1
        for block in self.blocks:
            q, k, v = (block.qkv @ x * shrink(x)).reshape(3, kit.HEADS, HEAD)
            block.keys[:, position], block.values[:, position] = k, v
            scores = (block.keys[:, :seen] @ q[:, :, None])[:, :, 0]  # one query, so there is nothing to mask
            scores = np.exp(scores - scores.max(1, keepdims=True))
            mixed = (scores[:, None] @ block.values[:, :seen])[:, 0] / scores.sum(1, keepdims=True)
            x += block.o @ mixed.reshape(-1)
            hidden = block.up @ x * shrink(x)
            x += block.down @ (0.5 * hidden * (1 + erf(hidden * 0.5**0.5)))
        return self.head @ x * shrink(x)


def shrink(x: np.ndarray) -> float:
    """What the norm multiplies one vector by. As a number, it can wait until after the matrix product."""
    return 1 / math.sqrt(x @ x / kit.WIDTH + kit.EPS)


def normed(x: Tensor) -> Tensor:
    return F.rms_norm(x, (kit.WIDTH,), eps=kit.EPS)


engine: Engine


def prepare(weights: dict[str, np.ndarray]) -> None:
    """Called once, before the clock."""
    global engine
    engine = Engine(weights)
    generate(np.zeros(8, np.uint8), np.zeros((8, 256), np.float32))  # first calls are slow: have them here


@torch.inference_mode()
def generate(prompt: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """N bytes after the prompt; byte n is the argmax of logits + noise[n]."""
    logits = engine.prefill(prompt)
    out = np.empty(len(noise), np.uint8)
    for number, row in enumerate(noise):
        out[number] = token = int((logits + row).argmax())
        if number + 1 < len(noise):  # the last byte is not read by anyone
            logits = engine.step(token, len(prompt) + number)
    return out


if __name__ == "__main__":
    kit.try_it(prepare, generate)
