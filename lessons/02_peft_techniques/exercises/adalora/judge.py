"""Draws a network and a change of it, has train.py find the change under a budget of ranks, and scores what it found.

The change is of low rank and lies in four matrices only, in ranks drawn for the run. The same rows are fitted here with
LoRA of one fixed rank on every matrix, of equal size; the learner's pairs are added to our own copy of the base.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from grader.api import Bench, Rng, read_safetensors, write_safetensors

ARTEFACT = "adapter.safetensors"
MAX_BYTES = 8 * 1024 * 1024
AVERAGE_RANK = 2  # of the budget, per matrix
SHARES = (0.36, 0.25, 0.20, 0.11)  # of the budget, in the four matrices that change
SIZE = 0.9  # of the change's singular values, in units of the matrix's largest
FIXED_RATE, FIXED_BATCH = 1e-2, 256
WORST = -10.0  # an explained share below this says no more

Weights = dict[str, Tensor]


class Task(NamedTuple):
    """The base, the rows to learn from, and those kept back."""

    base: Weights
    x: Tensor
    wanted: Tensor
    held_x: Tensor
    held_wanted: Tensor

    @property
    def budget(self) -> int:
        return AVERAGE_RANK * len(self.base)


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    task = draw_task(bench.rng.child("task"), bench.sizes)
    bench.progress("training in the box", 0.0)
    trained = bench.candidate().train(files=files_for(bench, task), outputs={ARTEFACT: MAX_BYTES})
    bench.metric("train_cpu_s", trained.usage.cpu_s)
    adapter = {name: torch.from_numpy(array) for name, array in read_safetensors(trained.artefacts[ARTEFACT]).items()}
    problem = find_problem(adapter, task.base)
    bench.check("adapter_fits", not problem, problem)
    if problem:
        return
    over = max(0, count_ranks(adapter) - task.budget)
    bench.metric("ranks_over_budget", over, provenance="recomputed")
    bench.progress("training with fixed ranks, to compare", 0.7)
    fixed = explained(task, train_fixed(bench.rng.child("fixed"), task, int(bench.sizes["fixed_steps"])))
    found = explained(task, merged(task.base, adapter))
    samples = len(task.held_x)
    bench.metric("fixed_explained", fixed, samples=samples, provenance="recomputed")
    bench.metric("explained", found, samples=samples, provenance="recomputed")
    bench.metric("quality_ratio", found / fixed, samples=samples, provenance="recomputed")


# The task


def draw_task(rng: Rng, sizes: Mapping[str, float]) -> Task:
    width, blocks = int(sizes["width"]), int(sizes["blocks"])
    draw = rng.numpy()
    base = {}
    for number in range(blocks):
        base[f"blocks.{number}.up.weight"] = normal(draw, width, width) * 1.4 / math.sqrt(width)
        base[f"blocks.{number}.down.weight"] = normal(draw, width, width) * 0.9 / math.sqrt(width)
    changed = dict(base)
    for name, rank in zip(rng.sample(sorted(base), len(SHARES)), draw_ranks(rng, len(base)), strict=True):
        changed[name] = base[name] + draw_change(draw, base[name], rank)
    x = normal(draw, int(sizes["rows"]) + int(sizes["held_out_rows"]), width)
    wanted = run(changed, x)
    rows = int(sizes["rows"])
    return Task(base, x[:rows], wanted[:rows], x[rows:], wanted[rows:])


def draw_ranks(rng: Rng, matrices: int) -> list[int]:
    """About SHARES of the budget, each one up or down; together at most the budget."""
    return [round(AVERAGE_RANK * matrices * share) + rng.integers(-1, 1) for share in SHARES]


def draw_change(draw: np.random.Generator, weight: Tensor, rank: int) -> Tensor:
    """Of exactly that rank, with equal singular values."""
    left, _ = torch.linalg.qr(normal(draw, weight.shape[0], rank))
    right, _ = torch.linalg.qr(normal(draw, weight.shape[1], rank))
    return SIZE * torch.linalg.matrix_norm(weight, 2) * left @ right.T


def normal(draw: np.random.Generator, rows: int, columns: int) -> Tensor:
    return torch.from_numpy(draw.normal(size=(rows, columns)).astype(np.float32))


def files_for(bench: Bench, task: Task) -> dict[str, bytes]:
    run_settings = {
        "tier": bench.tier,
        "width": bench.sizes["width"],
        "blocks": bench.sizes["blocks"],
        "budget": task.budget,
        "cpu_seconds": bench.sizes["cpu_seconds"],
    }
    return {
        "data/run.json": json.dumps(run_settings).encode(),
        "data/base.safetensors": write_safetensors({name: weight.numpy() for name, weight in task.base.items()}),
        "data/rows.safetensors": write_safetensors({"x": task.x.numpy(), "wanted": task.wanted.numpy()}),
    }


# The network


def run(weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """What kit.Net computes with these weights."""
    for number in range(len(weights) // 2):
        hidden = F.layer_norm(x, x.shape[-1:]) @ weights[f"blocks.{number}.up.weight"].T
        x = x + F.gelu(hidden) @ weights[f"blocks.{number}.down.weight"].T
    return x


@torch.no_grad()
def explained(task: Task, weights: Mapping[str, Tensor]) -> float:
    """1 - squared error with these weights over squared error of the base, on the rows kept back."""
    base = (run(task.base, task.held_x) - task.held_wanted).double().square().sum()
    left = (run(weights, task.held_x) - task.held_wanted).double().square().sum()
    share = 1 - (left / base).item()
    return max(share, WORST) if math.isfinite(share) else WORST


def train_fixed(rng: Rng, task: Task, steps: int) -> Weights:
    """LoRA of the average rank on every matrix: the same number of ranks as the budget."""
    draw = rng.numpy()
    downs = {n: normal(draw, AVERAGE_RANK, w.shape[1]) / math.sqrt(w.shape[1]) for n, w in task.base.items()}
    ups = {n: torch.zeros(w.shape[0], AVERAGE_RANK) for n, w in task.base.items()}
    parameters = [tensor.requires_grad_() for tensor in (*downs.values(), *ups.values())]
    optimizer = torch.optim.Adam(parameters, lr=FIXED_RATE)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = FIXED_RATE * (1 - 0.95 * step / steps)
        rows = torch.from_numpy(draw.integers(0, len(task.x), size=FIXED_BATCH))
        weights = {name: weight + 2 * ups[name] @ downs[name] for name, weight in task.base.items()}
        loss = F.mse_loss(run(weights, task.x[rows]), task.wanted[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {name: (weight + 2 * ups[name] @ downs[name]).detach() for name, weight in task.base.items()}


# The adapter


def find_problem(adapter: Mapping[str, Tensor], base: Mapping[str, Tensor]) -> str:
    """What keeps this file from being low-rank pairs of the base's matrices; empty when it is."""
    if not adapter:
        return f"{ARTEFACT} holds no tensor"
    for name, tensor in adapter.items():
        module, _, kind = name.rpartition(".")
        if kind not in {"lora_A", "lora_B"} or f"{module}.weight" not in base:
            return f"{name!r} is no lora_A or lora_B of a module of the base"
        if not tensor.is_floating_point() or not bool(tensor.isfinite().all()):
            return f"{name!r} must hold finite floating-point numbers"
        problem = _pair_problem(module, adapter, tuple(base[f"{module}.weight"].shape))
        if problem:
            return problem
    return ""


def _pair_problem(module: str, adapter: Mapping[str, Tensor], shape: tuple[int, ...]) -> str:
    down, up = adapter.get(f"{module}.lora_A"), adapter.get(f"{module}.lora_B")
    if down is None or up is None:
        return f"{module!r}: lora_A and lora_B come in pairs"
    rank = down.shape[0] if down.ndim == 2 else 0
    if rank == 0 or tuple(down.shape) != (rank, shape[1]) or tuple(up.shape) != (shape[0], rank):
        found = f"lora_A {tuple(down.shape)} and lora_B {tuple(up.shape)}"
        return f"{module!r}: {found} must be (r, {shape[1]}) and ({shape[0]}, r)"
    return ""


def count_ranks(adapter: Mapping[str, Tensor]) -> int:
    """By shape: a row of zeros counts."""
    return sum(len(tensor) for name, tensor in adapter.items() if name.endswith(".lora_A"))


def merged(base: Mapping[str, Tensor], adapter: Mapping[str, Tensor]) -> Weights:
    """W + lora_B @ lora_A where there is a pair."""
    weights = dict(base)
    for name, down in adapter.items():
        if name.endswith(".lora_A"):
            module = name.removesuffix(".lora_A")
            weights[f"{module}.weight"] = base[f"{module}.weight"] + adapter[f"{module}.lora_B"].float() @ down.float()
    return weights
