"""What the judge calls. It runs your generator and carries its requests to the base, which lives in the judge.

Read it; a submission cannot change it.
"""

from __future__ import annotations

import inspect

import torch
from serve import prepare, serve

torch.set_num_threads(1)
held = {}


def load(adapters, layers):
    """Adapters arrive once: a list of {"scale", "layers": [{"lora_A", "lora_B"}, ...]}, as tensors."""
    held["state"] = prepare([tensors(adapter) for adapter in adapters], layers)


def tensors(adapter):
    layers = [{name: torch.from_numpy(array) for name, array in layer.items()} for layer in adapter["layers"]]
    return {"scale": adapter["scale"], "layers": layers}


def begin(x, ids):
    """Start a batch; the answer is the first request to the base, or the output."""
    held["batch"] = serve(held["state"], torch.from_numpy(x), torch.from_numpy(ids))
    if not inspect.isgenerator(held["batch"]):
        raise TypeError("serve must be a generator: it asks for the base with `y = yield layer, rows`")
    return advance(None)


def resume(output):
    """Go on with what the base made of the rows that were asked for."""
    return advance(torch.from_numpy(output))


@torch.no_grad()
def advance(value):
    try:
        layer, rows = held["batch"].send(value)
    except StopIteration as end:
        return {"output": end.value.numpy()}
    return {"layer": layer, "rows": rows.contiguous().numpy()}
