"""What the judge calls. Every function makes a layer of yours from arrays, does one thing, and returns arrays.

Read it; a submission cannot change it. A spec is {"rank", "alpha", "dropout"}; factors are {"lora_A", "lora_B"}.
"""

from __future__ import annotations

import numpy as np
import torch
from lora import LoraLinear
from torch import nn

torch.set_num_threads(1)


def make(spec, weight, bias, factors=None):
    """A layer of yours around a Linear with this weight; with these factors, or as fresh as __init__ leaves it."""
    outputs, inputs = weight.shape
    base = nn.Linear(inputs, outputs, bias=bias is not None, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        base.weight.copy_(torch.from_numpy(weight))
        if bias is not None:
            base.bias.copy_(torch.from_numpy(bias))
    return fill(LoraLinear(base, spec["rank"], spec["alpha"], spec["dropout"]), factors)


def fill(layer, factors):
    with torch.no_grad():
        for name, array in (factors or {}).items():
            getattr(layer, name).copy_(torch.from_numpy(array))
    return layer


def state(layer):
    return {name: tensor.detach().numpy().copy() for name, tensor in layer.state_dict().items()}


def run(layer, x):
    with torch.no_grad():
        return layer(torch.from_numpy(x)).numpy().copy()


def fresh(spec, weight, bias, x):
    """A new layer: what it holds, and its output in both modes."""
    layer = make(spec, weight, bias)
    return {"state": state(layer), "training": run(layer.train(), x), "evaluation": run(layer.eval(), x)}


def forward(spec, weight, bias, factors, x, training):
    return run(make(spec, weight, bias, factors).train(training), x)


def train(spec, weight, bias, factors, x, target, rate, steps):
    """Steps of plain SGD over layer.parameters() on half the mean squared distance; what the layer holds afterwards."""
    layer = make(spec, weight, bias, factors).train()
    descend(layer, torch.from_numpy(x), torch.from_numpy(target), rate, steps)
    return state(layer)


def descend(layer, x, target, rate, steps):
    optimizer = torch.optim.SGD(layer.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = 0.5 * (layer(x) - target).square().mean()
        loss.backward()
        optimizer.step()


def merge_and_back(spec, weight, bias, factors, x, rounds):
    """Merge twice and unmerge twice, several times over: weight and output of the last round, both ways."""
    layer = make(spec, weight, bias, factors).eval()
    found = {}
    for _ in range(rounds):
        layer.merge()
        found["merged_once"] = run(layer, x)
        layer.merge()
        found |= {"merged": run(layer, x), "merged_weight": layer.base.weight.detach().numpy().copy()}
        layer.unmerge()
        layer.unmerge()
        found |= {"unmerged": run(layer, x), "unmerged_weight": layer.base.weight.detach().numpy().copy()}
    return found


def train_wide(spec, size, seed, factors, x, target, rate, steps):
    """The same training on a layer whose weight is drawn here, because it is too large to send; factors afterwards."""
    base = nn.Linear(size, size, bias=False, device="meta").to_empty(device="cpu")
    draw = np.random.Generator(np.random.Philox(seed))
    rows = torch.from_numpy(np.empty((64, size), dtype=np.float32))
    with torch.no_grad():
        for start in range(0, size, 64):
            draw.random(out=rows.numpy(), dtype=np.float32)
            base.weight[start : start + 64] = (rows - 0.5) * (12 / size) ** 0.5
    layer = fill(LoraLinear(base, spec["rank"], spec["alpha"], spec["dropout"]).train(), factors)
    descend(layer, torch.from_numpy(x), torch.from_numpy(target), rate, steps)
    return {name: getattr(layer, name).detach().numpy().copy() for name in ("lora_A", "lora_B")}


def show():
    """Some of what the judge asks, on a layer of our own."""
    draw = np.random.default_rng(0)
    weight, bias, x = (draw.normal(size=shape).astype(np.float32) for shape in ((6, 8), (6,), (5, 8)))
    spec = {"rank": 2, "alpha": 8.0, "dropout": 0.0}
    factors = {"lora_A": draw.normal(size=(2, 8)).astype(np.float32), "lora_B": np.ones((6, 2), dtype=np.float32)}
    base = x @ weight.T + bias
    wanted = base + 4.0 * x @ factors["lora_A"].T @ factors["lora_B"].T
    print("fresh against base      ", abs(fresh(spec, weight, bias, x)["evaluation"] - base).max())
    print("given factors           ", abs(forward(spec, weight, bias, factors, x, False) - wanted).max())
    after = train(spec, weight, bias, factors, x, np.zeros_like(base), 0.05, 3)
    print("base moved by training  ", abs(after["base.weight"] - weight).max())
    print("factors moved           ", abs(after["lora_A"] - factors["lora_A"]).max())
    merged = merge_and_back(spec, weight, bias, factors, x, 3)
    print("merged against unmerged ", abs(merged["merged"] - wanted).max())
    print("weight restored         ", np.array_equal(merged["unmerged_weight"], weight))
