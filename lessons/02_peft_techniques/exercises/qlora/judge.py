"""Has train.py quantise a frozen network and adapt it, reads both files itself, and scores what they compute together.

The base file is what bitsandbytes keeps of its NF4 layers: it is counted in bytes and read back here, without the
library. The same rows are fitted with LoRA of the same rank on the 16-bit base, to have something to compare with.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from grader.api import Bench, Rng, WrongAnswer, read_safetensors, write_safetensors

BASE, ADAPTER = "base.safetensors", "adapter.safetensors"
MAX_BYTES = 8 * 1024 * 1024
MAX_DESCRIPTION = 1024  # bytes
RANK = 8
RANKS = (8, 6, 5, 4)  # ranks of the four matrices that change
SIZE = 0.066  # of the change's singular values, in units of the matrix's largest times the root of its width
DECAY = 1.5  # the k-th direction of the inputs has a size of k to the minus this
BASE_ERROR = 0.12  # relative; NF4 has 0.09
PLAIN_RATE, PLAIN_BATCH = 1e-2, 256
WORST = -10.0  # an explained share below this says no more
BLOCK, GROUP = 64, 256
STATE = "quant_state.bitsandbytes__nf4"  # the layer's description, JSON in bytes
LEVELS = np.array(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ],
    dtype=np.float32,
)

Weights = dict[str, Tensor]
Arrays = Mapping[str, Any]


class Task(NamedTuple):
    """The base, the rows to learn from, and those kept back."""

    base: Weights
    x: Tensor
    wanted: Tensor
    held_x: Tensor
    held_wanted: Tensor


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    task = draw_task(bench.rng.child("task"), bench.sizes)
    bench.progress("training in the box", 0.0)
    trained = bench.candidate().train(files=files_for(bench, task), outputs={BASE: MAX_BYTES, ADAPTER: MAX_BYTES})
    bench.metric("train_cpu_s", trained.usage.cpu_s)
    state = read_safetensors(trained.artefacts[BASE])
    adapter = {n: torch.from_numpy(array) for n, array in read_safetensors(trained.artefacts[ADAPTER]).items()}
    halves = 2 * sum(weight.numel() for weight in task.base.values())
    bytes_held = sum(array.nbytes for array in state.values())
    bench.metric("bytes_ratio", bytes_held / halves, provenance="recomputed")
    problem = find_base_problem(state, task.base) or find_problem(adapter, task.base)
    bench.check("files_fit", not problem, problem)
    if problem:
        return
    base = {name: read_matrix(state, name, weight) for name, weight in task.base.items()}
    off = max_error(base, task.base)
    bench.check("base_is_the_base", off <= BASE_ERROR, f"A matrix of your base differs from ours by {100 * off:.0f} %.")
    bench.progress("training on the 16-bit base, to compare", 0.7)
    plain = explained(task, train_plain(bench.rng.child("plain"), task, int(bench.sizes["plain_steps"])))
    found = explained(task, merged(base, adapter))
    samples = len(task.held_x)
    bench.metric("plain_explained", plain, samples=samples, provenance="recomputed")
    bench.metric("explained", found, samples=samples, provenance="recomputed")
    bench.metric("quality_gap", 100 * (1 - found / plain), samples=samples, provenance="recomputed")


# The task


def draw_task(rng: Rng, sizes: Mapping[str, float]) -> Task:
    width, blocks = int(sizes["width"]), int(sizes["blocks"])
    draw = rng.numpy()
    base = {}
    for number in range(blocks):
        base[f"blocks.{number}.up.weight"] = normal(draw, width, width) * 1.4 / math.sqrt(width)
        base[f"blocks.{number}.down.weight"] = normal(draw, width, width) * 0.9 / math.sqrt(width)
    changed = dict(base)
    for name, rank in zip(rng.sample(sorted(base), len(RANKS)), RANKS, strict=True):
        changed[name] = base[name] + draw_change(draw, base[name], rank)
    x = draw_inputs(draw, int(sizes["rows"]) + int(sizes["held_out_rows"]), width)
    wanted = run(changed, x)
    rows = int(sizes["rows"])
    return Task(base, x[:rows], wanted[:rows], x[rows:], wanted[rows:])


def draw_change(draw: np.random.Generator, weight: Tensor, rank: int) -> Tensor:
    """Of exactly that rank, with equal singular values, which grow with the width as what rounding takes does."""
    left, _ = torch.linalg.qr(normal(draw, weight.shape[0], rank))
    right, _ = torch.linalg.qr(normal(draw, weight.shape[1], rank))
    return SIZE * math.sqrt(len(weight)) * torch.linalg.matrix_norm(weight, 2) * left @ right.T


def draw_inputs(draw: np.random.Generator, rows: int, width: int) -> Tensor:
    """Rows that vary mostly along a few directions, as activations do.

    Rounding errs by a matrix of full rank, of which a low-rank pair can make up only what meets the inputs. With inputs
    of all directions alike, training on the quantised base would gain next to nothing over training on the exact one.
    """
    sizes = torch.arange(1, width + 1).float() ** -DECAY
    directions, _ = torch.linalg.qr(normal(draw, width, width))
    return (normal(draw, rows, width) * (sizes / sizes.square().mean().sqrt())) @ directions.T


def normal(draw: np.random.Generator, rows: int, columns: int) -> Tensor:
    return torch.from_numpy(draw.normal(size=(rows, columns)).astype(np.float32))


def files_for(bench: Bench, task: Task) -> dict[str, bytes]:
    run_settings = {
        "tier": bench.tier,
        "width": bench.sizes["width"],
        "blocks": bench.sizes["blocks"],
        "rank": RANK,
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


def train_plain(rng: Rng, task: Task, steps: int) -> Weights:
    """LoRA of the largest allowed rank on every matrix of the exact base."""
    draw = rng.numpy()
    downs = {n: normal(draw, RANK, w.shape[1]) / math.sqrt(w.shape[1]) for n, w in task.base.items()}
    ups = {n: torch.zeros(w.shape[0], RANK) for n, w in task.base.items()}
    parameters = [tensor.requires_grad_() for tensor in (*downs.values(), *ups.values())]
    optimizer = torch.optim.Adam(parameters, lr=PLAIN_RATE)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = PLAIN_RATE * (1 - 0.95 * step / steps)
        rows = torch.from_numpy(draw.integers(0, len(task.x), size=PLAIN_BATCH))
        weights = {name: weight + 2 * ups[name] @ downs[name] for name, weight in task.base.items()}
        loss = F.mse_loss(run(weights, task.x[rows]), task.wanted[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {name: (weight + 2 * ups[name] @ downs[name]).detach() for name, weight in task.base.items()}


# The files


def find_base_problem(state: Arrays, base: Mapping[str, Tensor]) -> str:
    """What keeps this from being bitsandbytes' state of an NF4 layer for every matrix; empty when it is one.

    A matrix that was left in 16 or 32 bits is told by its bytes, so it is read as it is.
    """
    parts: dict[str, tuple[int, ...]] = {}
    for name, weight in base.items():
        if name in state and state[name].shape == tuple(weight.shape) and state[name].dtype.kind == "f":
            parts[name] = tuple(weight.shape)
        else:
            parts |= nf4_parts(name, weight.numel(), nested=f"{name}.nested_absmax" in state)
    if set(state) != set(parts):
        odd = sorted(set(state) ^ set(parts))
        return f"{BASE} must hold exactly what bitsandbytes keeps of NF4 layers; look at {', '.join(odd[:3])}"
    for name, shape in parts.items():
        if name.endswith(STATE):
            if state[name].size > MAX_DESCRIPTION:
                return f"{name} is longer than any description of a layer"
        elif state[name].shape != shape:
            return f"{name} must have the shape {shape}, not {state[name].shape}"
        elif not np.isfinite(state[name]).all():
            return f"{name} must be finite"
    return _type_problem(state) or _format_problem(state, base)


def nf4_parts(name: str, elements: int, *, nested: bool) -> dict[str, tuple[int, ...]]:
    """Names and shapes of one layer's state; the description has a length of its own."""
    blocks = elements // BLOCK
    parts: dict[str, tuple[int, ...]] = {
        name: (elements // 2, 1),
        f"{name}.absmax": (blocks,),
        f"{name}.quant_map": (16,),
        f"{name}.{STATE}": (0,),
    }
    if nested:
        parts |= {f"{name}.nested_absmax": (-(-blocks // GROUP),), f"{name}.nested_quant_map": (256,)}
    return parts


def _type_problem(state: Arrays) -> str:
    for name, array in state.items():
        packed = name.endswith((".weight", STATE)) and array.dtype.kind != "f"
        codes = name.endswith(".absmax") and f"{name.removesuffix('absmax')}nested_absmax" in state
        if packed or codes:
            if array.dtype != np.uint8:
                return f"{name} has the dtype {array.dtype}, not uint8"
        elif array.dtype.kind != "f":
            return f"{name} has the dtype {array.dtype}, which is no float"
    return ""


def _format_problem(state: Arrays, base: Mapping[str, Tensor]) -> str:
    """bitsandbytes reads NF4 by its own levels, whatever the file says: with others we would read another network."""
    for name, weight in base.items():
        if f"{name}.quant_map" not in state:
            continue
        if np.abs(state[f"{name}.quant_map"] - LEVELS).max() > 1e-6:
            return f"{name}.quant_map does not hold the levels of NF4"
        wanted: dict[str, object] = {"quant_type": "nf4", "blocksize": BLOCK, "shape": list(weight.shape)}
        if f"{name}.nested_absmax" in state:
            wanted["nested_blocksize"] = GROUP
        described = read_description(state[f"{name}.{STATE}"])
        odd = [key for key, value in wanted.items() if described.get(key) != value]
        if odd:
            return f"{name}.{STATE}: {odd[0]} must be {wanted[odd[0]]}"
    return ""


def read_matrix(state: Arrays, name: str, like: Tensor) -> Tensor:
    """The matrix that a layer's state stands for: map[code] * absmax, where absmax may be quantised once more."""
    if state[name].dtype.kind == "f":
        return torch.from_numpy(state[name]).float()
    codes = np.stack([state[name] >> 4, state[name] & 15], axis=-1).reshape(-1, BLOCK)
    absmax = state[f"{name}.absmax"]
    with np.errstate(over="ignore", invalid="ignore"):  # absurd scales become infinite, and no base of ours
        if f"{name}.nested_absmax" in state:
            scales = np.repeat(state[f"{name}.nested_absmax"], GROUP)[: len(absmax)]
            absmax = state[f"{name}.nested_quant_map"][absmax] * scales + read_offset(state[f"{name}.{STATE}"])
        weight = (state[f"{name}.quant_map"][codes] * absmax[:, None]).astype(np.float32)
    return torch.from_numpy(weight).reshape(like.shape)


def max_error(found: Mapping[str, Tensor], base: Mapping[str, Tensor]) -> float:
    """The largest relative error of a matrix; infinite when one of them holds a NaN."""
    errors = [float((found[name] - weight).norm() / weight.norm()) for name, weight in base.items()]
    return max(error if math.isfinite(error) else math.inf for error in errors)


def read_description(description: Any) -> dict[str, Any]:
    """What bitsandbytes says of a layer. Raises WrongAnswer."""
    try:
        described = json.loads(description.tobytes().decode())
    except (ValueError, RecursionError):
        described = None
    if not isinstance(described, dict):
        raise WrongAnswer(f"{STATE} is not bitsandbytes' description of a layer")
    return described


def read_offset(description: Any) -> float:
    """The mean of the scales, where they are quantised too. Raises WrongAnswer."""
    offset = read_description(description).get("nested_offset")
    if isinstance(offset, bool) or not isinstance(offset, int | float) or not abs(offset) < 1e6:
        raise WrongAnswer(f"{STATE}: nested_offset is not a number")
    return float(offset)


def find_problem(adapter: Mapping[str, Tensor], base: Mapping[str, Tensor]) -> str:
    """What keeps this file from being low-rank pairs of the base's matrices; empty when it is."""
    if not adapter:
        return f"{ADAPTER} holds no tensor"
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
    if not 1 <= rank <= RANK or tuple(down.shape) != (rank, shape[1]) or tuple(up.shape) != (shape[0], rank):
        found = f"lora_A {tuple(down.shape)} and lora_B {tuple(up.shape)}"
        return f"{module!r}: {found} must be (r, {shape[1]}) and ({shape[0]}, r), with r from 1 to {RANK}"
    return ""


def merged(base: Mapping[str, Tensor], adapter: Mapping[str, Tensor]) -> Weights:
    """W + lora_B @ lora_A where there is a pair."""
    weights = dict(base)
    for name, down in adapter.items():
        if name.endswith(".lora_A"):
            module = name.removesuffix(".lora_A")
            weights[f"{module}.weight"] = base[f"{module}.weight"] + adapter[f"{module}.lora_B"].float() @ down.float()
    return weights
