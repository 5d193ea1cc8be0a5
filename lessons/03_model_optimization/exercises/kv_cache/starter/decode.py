"""Greedy decoding. It is right, and it computes everything again for each token. Give it a cache.

Run this file (`python decode.py`) to compare with the decoder without a cache.
"""

from __future__ import annotations

import torch
from naive import compare
from torch.nn import functional as F


def generate(model, prompt, new_tokens):
    """The `new_tokens` token ids that follow the prompt, each the one with the largest logit.

    model: see model.py; prompt: a list of token ids.
    """
    tokens = list(prompt)
    for _ in range(new_tokens):
        logits = forward(model, torch.tensor(tokens))
        tokens.append(int(logits.argmax()))
    return tokens[len(prompt) :]


def forward(model, tokens):
    """Logits (V,) of the token after these. Shapes: T tokens; x is (T, C); q, k and v are (H, T, D)."""
    positions = torch.arange(len(tokens))
    x = model.embed(tokens)
    for layer in range(model.layers):
        q, k, v = model.qkv(layer, x, positions)
        x = model.mix(layer, x, F.scaled_dot_product_attention(q, k, v, is_causal=True))
    return model.logits(x[-1:])[0]


if __name__ == "__main__":
    compare(generate)
