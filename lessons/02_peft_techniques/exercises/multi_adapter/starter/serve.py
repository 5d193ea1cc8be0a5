"""Serve rows of many adapters. It is right, and asks for the base once for every row."""

from __future__ import annotations

import torch


def prepare(adapters, layers):
    """Called once, when the adapters arrive. What it returns is the state that serve gets with every batch."""
    return {"adapters": adapters, "layers": layers}


def serve(state, x, ids):
    """A generator: `y = yield layer, rows` has the base run one layer on some rows. Returns the output of the batch."""
    outputs = []
    for row, number in zip(x.split(1), ids.tolist()):
        hidden = row
        for layer in range(state["layers"]):
            base = yield layer, hidden
            if number >= 0:
                adapter = state["adapters"][number]
                pair = adapter["layers"][layer]
                base = base + adapter["scale"] * hidden @ pair["lora_A"].T @ pair["lora_B"].T
            hidden = torch.tanh(base) if layer < state["layers"] - 1 else base
        outputs.append(hidden)
    return torch.cat(outputs)
