"""The decoder without a cache, and a comparison to run at home. Read-only; nothing here is graded."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from model import Model, random_model
from torch import Tensor
from torch.nn import functional as F

Generate = Callable[[Model, list[int], int], list[int]]


class CountingModel(Model):
    """Counts the positions of layer 0."""

    positions = 0

    def qkv(self, layer: int, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.positions += len(x) if layer == 0 else 0
        return super().qkv(layer, x, positions)


def generate(model: Model, prompt: list[int], new_tokens: int) -> list[int]:
    """For each new token, the whole sequence from its beginning."""
    tokens = list(prompt)
    for _ in range(new_tokens):
        positions = torch.arange(len(tokens))
        x = model.embed(torch.tensor(tokens))
        for layer in range(model.layers):
            q, k, v = model.qkv(layer, x, positions)
            x = model.mix(layer, x, F.scaled_dot_product_attention(q, k, v, is_causal=True))
        tokens.append(int(model.logits(x[-1:])[0].argmax()))
    return tokens[len(prompt) :]


def compare(yours: Generate, new_tokens: int = 48) -> None:
    """Print where the tokens differ, the positions for each new token, and the ratio of CPU times."""
    torch.set_num_threads(1)
    plain = random_model()
    model = CountingModel({"layers": plain.layers, "heads": plain.heads, "width": plain.width}, plain.weights)
    prompt = torch.randint(256, (64,), generator=torch.Generator().manual_seed(1)).tolist()
    found: dict[str, list[int]] = {}
    seconds: dict[str, float] = {}
    for name, function in (("naive", generate), ("yours", yours)):
        model.positions, began = 0, time.process_time()
        with torch.inference_mode():
            found[name] = [int(token) for token in function(model, list(prompt), new_tokens)]
        seconds[name] = time.process_time() - began
    differs = [place for place, pair in enumerate(zip(found["naive"], found["yours"], strict=False)) if pair[0] != pair[1]]
    same = not differs and len(found["yours"]) == new_tokens
    print("tokens:", "the same" if same else f"{len(found['yours'])}, first different at {differs[:1]}")
    print(f"positions for each new token: {(model.positions - len(prompt)) / new_tokens:.2f}")
    print(f"CPU time: {seconds['naive'] / seconds['yours']:.1f} times faster than naive")
