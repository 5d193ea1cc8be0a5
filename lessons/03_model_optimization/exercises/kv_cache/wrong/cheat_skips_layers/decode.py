"""Greedy decoding with a cache: a key and a value are computed once, when their token comes.

No position looks ahead, so what a layer knows of a token never changes when others follow. Only the newest token has a
query that nobody has asked yet.
"""

from __future__ import annotations

import torch
from naive import compare
from torch.nn import functional as F


class Cache:
    """Keys and values of all layers, with room for every position that will come."""

    def __init__(self, model, room):
        shape = (model.layers, model.heads, room, model.width // model.heads)
        self.keys, self.values = torch.empty(shape), torch.empty(shape)
        self.length = 0  # positions that are filled


def generate(model, prompt, new_tokens):
    """The `new_tokens` token ids that follow the prompt, each the one with the largest logit."""
    cache = Cache(model, len(prompt) + new_tokens)
    found, fresh = [], list(prompt)  # prefill takes the whole prompt, each step of decoding one token
    while len(found) < new_tokens:
        logits = forward(model, torch.tensor(fresh), cache)
        fresh = [int(logits.argmax())]
        found += fresh
    return found


def forward(model, tokens, cache):
    """Logits (V,) of the token after these, which follow what the cache holds."""
    first, last = cache.length, cache.length + len(tokens)
    positions = torch.arange(first, last)
    x = model.embed(tokens)
    for layer in range(0, model.layers, 2):
        q, k, v = model.qkv(layer, x, positions)
        cache.keys[layer, :, first:last] = k
        cache.values[layer, :, first:last] = v
        keys, values = cache.keys[layer, :, :last], cache.values[layer, :, :last]
        # A lone query is the newest position: it may see every key. The prompt's need the triangle.
        attended = F.scaled_dot_product_attention(q, keys, values, is_causal=len(tokens) > 1)
        x = model.mix(layer, x, attended)
    cache.length = last
    return model.logits(x[-1:])[0]


if __name__ == "__main__":
    compare(generate)
