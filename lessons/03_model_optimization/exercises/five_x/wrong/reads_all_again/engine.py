from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

import kit

state = {}


def prepare(weights):
    state["weights"] = kit.to_tensors(weights)


def last_logits(weights, ids):
    x = weights["embed.weight"][ids] + weights["position.weight"][: len(ids)]
    for layer in range(kit.LAYERS):
        w = {name.removeprefix(f"blocks.{layer}."): weight for name, weight in weights.items()}
        y = F.rms_norm(x, (kit.WIDTH,), w["norm1.weight"], kit.EPS)
        q, k, v = (F.linear(y, w[f"attention.{n}.weight"]).unflatten(-1, (kit.HEADS, -1)).transpose(0, 1) for n in "qkv")
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.linear(mixed.transpose(0, 1).flatten(1), w["attention.o.weight"])
        y = F.rms_norm(x, (kit.WIDTH,), w["norm2.weight"], kit.EPS)
        x = x + F.linear(F.gelu(F.linear(y, w["mlp.up.weight"])), w["mlp.down.weight"])
    return F.linear(F.rms_norm(x[-1], (kit.WIDTH,), weights["norm.weight"], kit.EPS), weights["embed.weight"])


@torch.inference_mode()
def generate(prompt, noise):
    ids = torch.from_numpy(prompt.astype(np.int64))
    for row in torch.from_numpy(noise):
        token = (last_logits(state["weights"], ids) + row).argmax()
        ids = torch.cat([ids, token[None]])
    return ids[len(prompt) :].numpy().astype(np.uint8)
