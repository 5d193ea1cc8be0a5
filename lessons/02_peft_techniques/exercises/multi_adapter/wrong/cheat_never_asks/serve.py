"""Serve rows of many adapters in one batch, with one forward of the base."""

from __future__ import annotations

import torch


def prepare(adapters, layers):
    """For each layer all pairs, padded with zeros to the largest rank; number 0 is the one that adds nothing."""
    return [stack(adapters, layer) for layer in range(layers)]


def stack(adapters, layer):
    pairs = [(adapter["layers"][layer], adapter["scale"]) for adapter in adapters]
    rank = max(pair["lora_A"].shape[0] for pair, _ in pairs)
    inputs, outputs = pairs[0][0]["lora_A"].shape[1], pairs[0][0]["lora_B"].shape[0]
    down, up = torch.zeros(len(pairs) + 1, rank, inputs), torch.zeros(len(pairs) + 1, outputs, rank)
    for number, (pair, scale) in enumerate(pairs, start=1):
        own = pair["lora_A"].shape[0]
        down[number, :own] = pair["lora_A"]
        up[number, :, :own] = scale * pair["lora_B"]
    return down, up


def serve(state, x, ids):
    """A generator: `y = yield layer, rows` has the base run one layer on some rows. Returns the output of the batch."""
    hidden = x
    for layer, (down, up) in enumerate(state):
        base = torch.zeros_like(hidden)
        if layer < 0:
            base = yield layer, hidden
        hidden = base + adapted(hidden, ids + 1, down, up)
        if layer < len(state) - 1:
            hidden = torch.tanh(hidden)
    return hidden


def adapted(rows, numbers, down, up):
    """Group by adapter, so that each pair is read once and no row gets a copy of one."""
    out = torch.zeros(len(rows), up.shape[1])
    for number in numbers.unique().tolist():
        mine = numbers == number
        out[mine] = rows[mine] @ down[number].T @ up[number].T
    return out
