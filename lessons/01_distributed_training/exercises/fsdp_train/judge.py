"""Reads from outside what a training on several ranks needs, and whether it computes what one process does.

Memory is what the kernel counts for the whole box at its peak. Taken off is the peak of an equal box in which our own
program trains two blocks of the same width: interpreters, libraries, buffers, and the two blocks that may be whole at a
time. What is left belongs to the other blocks. N whole copies with gradients and Adam take 16 N bytes per parameter of
them, a sharded one 16. Nothing that the ranks say about themselves counts, and memory that is handed from rank to rank,
to /dev/shm or to a file is the box's all the same.

Values are asked for at places that are drawn: of each parameter and both of its moments after the last step, when each
depends on all batches and all ranks. What is not seen from outside is whether one rank did the work of all: a box is
one place, and a single copy in it is as small as a sharded one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from grader.api import Bench, Candidate, Rng, TrainResult, WrongAnswer, read_safetensors, write_safetensors

GROUPS = ("weights", "exp_avg", "exp_avg_sq")
BASE_BLOCKS = 2
BYTES = 16  # of a parameter in fp32: weight, gradient, two moments
PROBES = 16  # places of each parameter
MAX_BYTES = 4 * 1024 * 1024
WORST = 1e3  # an error is not shown beyond this
Values = dict[str, np.ndarray]  # by "<group>.<parameter>", one number for each place


class Run(NamedTuple):
    """Settings, tokens by step, and for each parameter the places that are asked for, in the order of memory."""

    job: dict[str, Any]
    tokens: Tensor
    probes: dict[str, np.ndarray]


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    ranks = int(bench.sizes["ranks"])
    run = draw_run(bench.rng, bench.sizes, int(bench.sizes["blocks"]))
    small = draw_run(bench.rng.child("small"), bench.sizes, BASE_BLOCKS)
    bench.progress("two blocks, by our own program", 0.1)
    base = launch(bench.reference("solution"), small, ranks).usage
    bench.progress(f"all blocks on {ranks} ranks", 0.4)
    result = launch(bench.candidate(), run, ranks)
    try:
        found = values_of(result.artefacts, run.probes)
    except WrongAnswer as error:
        bench.check("values_whole", False, error.message)
        return
    bench.check("values_whole", True)
    bench.progress("the same in one process", 0.8)
    start, wanted = train(run)
    bench.metric("state_error", min(WORST, state_error(found, wanted, start)), provenance="recomputed")
    more = params_of(run.job) - params_of(small.job)
    taken = result.usage.peak_memory_bytes - base.peak_memory_bytes
    bench.metric("memory_share", taken / (BYTES * ranks * more))


def params_of(job: Mapping[str, Any]) -> int:
    return sum(int(np.prod(shape)) for shape in shapes_of(job).values())


# What is drawn


def draw_run(rng: Rng, sizes: Mapping[str, float], blocks: int) -> Run:
    names = ("vocab", "width", "heads", "sequence", "batch", "steps")
    job: dict[str, Any] = {name: int(sizes[name]) for name in names}
    job |= {"blocks": blocks, "rate": round(0.002 + 0.002 * rng.random(), 5), "seed": rng.integers(0, 2**31)}
    draw = rng.child("data").numpy()
    tokens = draw_tokens(draw, job["vocab"], (job["steps"], job["batch"], job["sequence"] + 1))
    probes = {
        name: np.sort(draw.choice(int(np.prod(shape)), PROBES, replace=False)).astype(np.int64)
        for name, shape in shapes_of(job).items()
    }
    return Run(job, tokens, probes)


def draw_tokens(draw: np.random.Generator, vocab: int, shape: tuple[int, int, int]) -> Tensor:
    """Every token has three that may follow it, one of them more often than not."""
    follows = draw.integers(0, vocab, size=(vocab, 3))
    tokens = np.empty(shape, dtype=np.int64)
    tokens[..., 0] = draw.integers(0, vocab, size=shape[:2])
    for place in range(1, shape[2]):
        which = draw.choice(3, p=(0.7, 0.2, 0.1), size=shape[:2])
        tokens[..., place] = follows[tokens[..., place - 1], which]
    return torch.from_numpy(tokens)


def shapes_of(job: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Parameters by name, as kit.GPT has them."""
    d, vocab = job["width"], job["vocab"]
    shapes = {"embed.weight": (vocab, d), "position.weight": (job["sequence"], d)}
    for number in range(job["blocks"]):
        block = {"norm1": (d,), "qkv": (3 * d, d), "out": (d, d), "norm2": (d,), "up": (4 * d, d), "down": (d, 4 * d)}
        shapes |= {f"blocks.{number}.{name}.weight": shape for name, shape in block.items()}
    return {**shapes, "norm.weight": (d,), "head.weight": (vocab, d)}


# The training in one process


def train(run: Run) -> tuple[Values, Values]:
    """The values before the first step, and after the last."""
    shapes = shapes_of(run.job)
    weights = {
        name: initial(number, name, shape, run.job["seed"]).requires_grad_()
        for number, (name, shape) in enumerate(shapes.items())
    }
    start = {f"weights.{name}": tensor.detach().flatten()[run.probes[name]].numpy() for name, tensor in weights.items()}
    optimizer = torch.optim.Adam(weights.values(), lr=run.job["rate"], eps=1e-6)
    for tokens in run.tokens:
        optimizer.zero_grad()
        loss_of(weights, tokens, run.job["heads"]).backward()
        optimizer.step()
    values = {}
    for name, tensor in weights.items():
        state = optimizer.state[tensor]
        for group, whole in zip(GROUPS, (tensor.detach(), state["exp_avg"], state["exp_avg_sq"]), strict=True):
            values[f"{group}.{name}"] = whole.flatten()[run.probes[name]].numpy()
    return start, values


def initial(number: int, name: str, shape: tuple[int, ...], seed: int) -> Tensor:
    """As kit.initial."""
    if "norm" in name:
        return torch.ones(shape)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + number)) * shape[-1] ** -0.5


def loss_of(weights: Mapping[str, Tensor], tokens: Tensor, heads: int) -> Tensor:
    """What kit.loss_of computes, from a dict of weights."""
    ids, targets = tokens[:, :-1], tokens[:, 1:]
    x = weights["embed.weight"][ids] + weights["position.weight"][: ids.shape[1]]
    blocks = sorted({name.split(".")[1] for name in weights if name.startswith("blocks.")}, key=int)
    for number in blocks:
        part = {
            name: weights[f"blocks.{number}.{name}.weight"] for name in ("norm1", "qkv", "out", "norm2", "up", "down")
        }
        x = x + F.linear(attend(F.linear(normed(x, part["norm1"]), part["qkv"]), heads), part["out"])
        x = x + F.linear(F.gelu(F.linear(normed(x, part["norm2"]), part["up"])), part["down"])
    logits = F.linear(normed(x, weights["norm.weight"]), weights["head.weight"])
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def normed(x: Tensor, weight: Tensor) -> Tensor:
    return F.rms_norm(x, weight.shape, weight, 1e-5)


def attend(qkv: Tensor, heads: int) -> Tensor:
    b, t, d = qkv.shape
    q, k, v = (y.view(b, t, heads, -1).transpose(1, 2) for y in qkv.chunk(3, dim=-1))
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, d // 3)


# Launches and values


def launch(program: Candidate, run: Run, ranks: int) -> TrainResult:
    files = {
        "data/job.json": json.dumps(run.job).encode(),
        "data/tokens.safetensors": write_safetensors({f"step_{n}": step.numpy() for n, step in enumerate(run.tokens)}),
        "data/probes.safetensors": write_safetensors(run.probes),
    }
    outputs = {f"values-{rank}.safetensors": MAX_BYTES for rank in range(ranks)}
    return program.train(files=files, outputs=outputs, ranks=ranks)


def values_of(files: Mapping[str, bytes], probes: Mapping[str, np.ndarray]) -> Values:
    """Raises WrongAnswer unless the files of all ranks together hold every value exactly once, in float32."""
    values = {f"{group}.{name}": np.zeros(PROBES, np.float32) for group in GROUPS for name in probes}
    times = {name: np.zeros(PROBES, np.int64) for name in values}
    for file, data in files.items():
        tensors = read_safetensors(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        for name in {key.rpartition(".")[0] for key in tensors}:
            which, found = tensors.get(f"{name}.which"), tensors.get(f"{name}.values")
            if name not in values or which is None or found is None:
                raise WrongAnswer(f"{file} holds {name[:80]!r}, which was not asked for, or half of it")
            check_pair(f"{file}: {name!r}", which, found, header[f"{name}.values"]["dtype"])
            values[name][which] = found
            np.add.at(times[name], which, 1)
    wrong = [name for name, count in times.items() if (count != 1).any()]
    if wrong:
        what = "missing" if (times[wrong[0]] == 0).any() else "there more than once"
        raise WrongAnswer(f"values of {wrong[0]!r} are {what}, and {len(wrong) - 1} more")
    return values


def check_pair(what: str, which: np.ndarray, found: np.ndarray, dtype: str) -> None:
    if dtype != "F32" or which.dtype != np.int64 or which.ndim != 1 or which.shape != found.shape:
        raise WrongAnswer(f"{what} must be float32 values, one for each of the int64 numbers; the values are {dtype}")
    if ((which < 0) | (which >= PROBES)).any() or not np.isfinite(found).all():
        raise WrongAnswer(f"{what} is NaN or infinite, or of a place that was not asked for")


def state_error(found: Values, wanted: Values, start: Values) -> float:
    """The worst of the three groups: distance to `wanted`, over how far the weights moved from `start`, and over the
    moments' own norm. 0 is equal; 1 is as wrong as not having trained."""
    errors = []
    for group in GROUPS:
        names = [name for name in wanted if name.startswith(f"{group}.")]
        scale = norm([wanted[name] - start.get(name, np.float32(0)) for name in names])
        errors.append(norm([found[name] - wanted[name] for name in names]) / scale)
    return max(errors)


def norm(arrays: list[np.ndarray]) -> float:
    return float(sum(np.square(array.astype(np.float64)).sum() for array in arrays) ** 0.5)
