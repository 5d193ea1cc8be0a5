"""Stops a training on four ranks, resumes it on other numbers of ranks, compares with one process that never stopped.

Each launch is a fresh box. The first has the initial weights and the batches up to the step where it is stopped; a
later one has the checkpoint, which comes through the judge, and the batches from shortly before that step on. So nobody
can train to the end in the first, nor again from the beginning in a later one: what going on needs is in the files.
All numbers are computed here: the checkpoint is put together from its shards and compared with our own state of that
step, and so is the state at the end, with the loss on tokens that were in no box.

What is not seen from outside: whether one rank did the work of all, for a box is one place. It would win nothing here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from grader.api import Bench, Rng, TrainResult, WrongAnswer, read_safetensors, write_safetensors

RANKS = 4
GROUPS = ("weights", "exp_avg", "exp_avg_sq")
MAX_BYTES = 16 * 1024 * 1024
RIGHT = 0.01  # of the norm of what was learnt until then: rounding is a thousandth of this
WORST = 1e3  # an error is not shown beyond this
EARLIER = 3  # a later launch has the batches of at most so many steps before the stop
INFO = "DCP_SHARDING_INFO"


class State(NamedTuple):
    """After some steps: weights and moments by parameter, as `GROUPS` has them."""

    weights: dict[str, Tensor]
    exp_avg: dict[str, Tensor]
    exp_avg_sq: dict[str, Tensor]


class Run(NamedTuple):
    """What is drawn: settings, step of the stop, tokens by step (the last ones are held out), weights at the start."""

    job: dict[str, Any]
    stop: int
    tokens: Tensor
    initial: dict[str, Tensor]


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    run = draw_run(bench.rng, bench.sizes)
    steps = run.job["steps"]
    wanted = train(run, [run.stop, steps])
    bench.progress(f"training on {RANKS} ranks", 0.1)
    saved = launch(bench, run, 0, run.stop, RANKS, {"data/initial.safetensors": to_file(run.initial)})
    stopped = accept(bench, run, saved, RANKS, run.stop)
    if stopped is None:
        return
    error = state_error(stopped, wanted[run.stop], run.initial)
    bench.check("checkpoint_right", error <= RIGHT, f"It differs by {min(error, WORST):.3g} of what was learnt.")
    if error > RIGHT:
        return
    bench.metric("largest_shard", largest_share(saved), provenance="recomputed")
    worlds = [int(bench.sizes[name]) for name in ("resume_on", "and_on") if name in bench.sizes]
    ends = []
    for number, ranks in enumerate(worlds):
        bench.progress(f"resuming on {ranks} ranks", 0.4 + 0.5 * number / len(worlds))
        files = {f"checkpoint/{name}": data for name, data in saved.artefacts.items()}
        first = max(0, run.stop - 1 - bench.rng.integers(0, EARLIER))
        resumed = accept(bench, run, launch(bench, run, first, steps, ranks, files), ranks, steps)
        if resumed is None:
            return
        ends.append(resumed)
    report_ends(bench, run, ends, wanted)


def report_ends(bench: Bench, run: Run, ends: Sequence[State], wanted: Mapping[int, State]) -> None:
    """The worst of the resumed trainings, beside the one that never stopped."""
    last, before = wanted[run.job["steps"]], wanted[run.stop].weights
    held_out, heads = run.tokens[run.job["steps"] :].flatten(0, 1), run.job["heads"]
    with torch.no_grad():
        aim = loss_of(last.weights, held_out, heads).item()
        deltas = [abs(loss_of(end.weights, held_out, heads).item() - aim) for end in ends]
    errors = [state_error(end, last, before) for end in ends]
    bench.metric("loss_delta", bounded(max(deltas)), samples=len(ends), provenance="recomputed")
    bench.metric("resume_error", bounded(max(errors)), samples=len(ends), provenance="recomputed")


def bounded(value: float) -> float:
    return min(WORST, value)  # in this order: also for NaN


# What is drawn


def draw_run(rng: Rng, sizes: Mapping[str, float]) -> Run:
    """A job, its stop near the middle, and text of a language that is drawn, too."""
    names = ("vocab", "width", "blocks", "heads", "sequence", "batch", "steps")
    job: dict[str, Any] = {name: int(sizes[name]) for name in names}
    job |= {"rate": round(0.006 + 0.006 * rng.random(), 5), "warm_up": 2 + rng.integers(0, 3)}
    stop = job["steps"] // 2 - 1 + rng.integers(0, 3)
    draw = rng.child("data").numpy()
    tokens = draw_tokens(draw, job["vocab"], (job["steps"] + 4, job["batch"], job["sequence"] + 1))
    initial = {name: torch.from_numpy(draw_parameter(draw, name, shape)) for name, shape in shapes_of(job).items()}
    return Run(job, stop, tokens, initial)


def draw_tokens(draw: np.random.Generator, vocab: int, shape: tuple[int, int, int]) -> Tensor:
    """Every token has three that may follow it, one of them more often than not."""
    follows = draw.integers(0, vocab, size=(vocab, 3))
    tokens = np.empty(shape, dtype=np.int64)
    tokens[..., 0] = draw.integers(0, vocab, size=shape[:2])
    for place in range(1, shape[2]):
        which = draw.choice(3, p=(0.7, 0.2, 0.1), size=shape[:2])
        tokens[..., place] = follows[tokens[..., place - 1], which]
    return torch.from_numpy(tokens)


def draw_parameter(draw: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if "norm" in name:
        return np.ones(shape, dtype=np.float32)
    return draw.normal(0, shape[-1] ** -0.5, size=shape).astype(np.float32)


def shapes_of(job: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Parameters by name, as kit.GPT has them."""
    d, vocab = job["width"], job["vocab"]
    shapes = {"embed.weight": (vocab, d), "position.weight": (job["sequence"], d)}
    for number in range(job["blocks"]):
        block = {"norm1": (d,), "qkv": (3 * d, d), "out": (d, d), "norm2": (d,), "up": (4 * d, d), "down": (d, 4 * d)}
        shapes |= {f"blocks.{number}.{name}.weight": shape for name, shape in block.items()}
    return {**shapes, "norm.weight": (d,), "head.weight": (vocab, d)}


# The training in one process


def train(run: Run, stops: Sequence[int]) -> dict[int, State]:
    """The state after each of these numbers of steps."""
    weights = {name: tensor.clone().requires_grad_() for name, tensor in run.initial.items()}
    optimizer = torch.optim.AdamW(weights.values(), betas=(0.9, 0.95), eps=1e-6, weight_decay=0.1)
    states = {}
    for step in range(max(stops)):
        for group in optimizer.param_groups:
            group["lr"] = rate(run.job, step)
        optimizer.zero_grad()
        loss_of(weights, run.tokens[step], run.job["heads"]).backward()
        optimizer.step()
        if step + 1 in stops:
            states[step + 1] = state_of(weights, optimizer)
    return states


def state_of(weights: Mapping[str, Tensor], optimizer: torch.optim.AdamW) -> State:
    moments = {name: optimizer.state[tensor] for name, tensor in weights.items()}
    return State(
        {name: tensor.detach().clone() for name, tensor in weights.items()},
        {name: state["exp_avg"].clone() for name, state in moments.items()},
        {name: state["exp_avg_sq"].clone() for name, state in moments.items()},
    )


def rate(job: Mapping[str, Any], step: int) -> float:
    return job["rate"] * min(1.0, (step + 1) / job["warm_up"]) * (1 - 0.9 * step / job["steps"])


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


# Launches and checkpoints


def launch(bench: Bench, run: Run, first: int, stop: int, ranks: int, files: Mapping[str, bytes]) -> TrainResult:
    """One launch in a box of its own, with the batches of steps `first` to `stop` - 1."""
    batches = {f"step_{step}": run.tokens[step] for step in range(first, stop)}
    job = json.dumps({**run.job, "stop": stop}).encode()
    given = {"data/job.json": job, "data/tokens.safetensors": to_file(batches), **files}
    outputs = {f"checkpoint/{name}": MAX_BYTES for name in file_names(ranks)}
    result = bench.candidate().train(files=given, outputs=outputs, optional=outputs, ranks=ranks)
    plain = {name.removeprefix("checkpoint/"): data for name, data in result.artefacts.items()}
    return TrainResult(artefacts=plain, usage=result.usage)


def file_names(ranks: int) -> list[str]:
    """As DCP's writer for safetensors names the shards of a distributed save."""
    return [f"shard-{number:05d}-model-00001-of-00001.safetensors" for number in range(1, ranks + 1)]


def to_file(tensors: Mapping[str, Tensor]) -> bytes:
    return write_safetensors({name: tensor.numpy() for name, tensor in tensors.items()})


def accept(bench: Bench, run: Run, result: TrainResult, ranks: int, steps: int) -> State | None:
    """The whole state that the shards hold; None, and a failed check, when they do not hold one."""
    try:
        state = assemble(result.artefacts, shapes_of(run.job), steps)
    except WrongAnswer as error:
        bench.check("checkpoint_whole", False, f"The checkpoint of the launch on {ranks} ranks: {error.message}")
        return None
    bench.check("checkpoint_whole", True)
    return state


def largest_share(result: TrainResult) -> float:
    """Elements in the largest file over those of all."""
    counts = [sum(array.size for array in read_safetensors(data).values()) for data in result.artefacts.values()]
    return max(counts) / sum(counts)


def assemble(files: Mapping[str, bytes], shapes: Mapping[str, tuple[int, ...]], steps: int) -> State:
    """Raises WrongAnswer unless the shards hold every element of the state exactly once, in float32, and the step."""
    if not files:
        raise WrongAnswer("there is none of its files")
    whole = {f"{group}.{name}": np.zeros(shape, np.float32) for group in GROUPS for name, shape in shapes.items()}
    times = {name: np.zeros(array.shape, np.uint8) for name, array in whole.items()}
    found: set[int] = set()
    for file, data in files.items():
        for name, array, place in pieces_of(file, data):
            if name == "step":
                found.add(step_of(array))
            elif name not in whole:
                raise WrongAnswer(f"{file} holds {name[:80]!r}, which is not part of the format")
            else:
                put(whole[name], times[name], name, array, place)
    for name, count in times.items():
        if (count != 1).any():
            share, what = (count == 0).mean(), "missing" if (count == 0).any() else "there more than once"
            raise WrongAnswer(f"of {name!r} {share or (count > 1).mean():.0%} is {what}")
    if found != {steps}:
        raise WrongAnswer(f"'step' is {sorted(found) or 'missing'}, and {steps} steps are done")
    groups = ({name: torch.from_numpy(whole[f"{group}.{name}"]) for name in shapes} for group in GROUPS)
    return State(*groups)


def pieces_of(file: str, data: bytes) -> list[tuple[str, np.ndarray, tuple[int, ...]]]:
    """Name, rows and the place of their first element in the whole tensor. Raises WrongAnswer."""
    arrays = read_safetensors(data)  # strict: from here on the header is known to be well formed
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    wide = [name for name in arrays if name != "step" and header[name]["dtype"] != "F32"]
    if wide:
        raise WrongAnswer(f"{file}: {wide[0][:80]!r} is {header[wide[0]]['dtype']}, not F32")
    try:
        told = json.loads(header["__metadata__"][INFO])
        places = {name: tuple(told[name]["saved_offsets"]) for name in arrays if name != "step"}
    except (KeyError, TypeError, ValueError, RecursionError):
        raise WrongAnswer(f"{file} does not say where its rows belong: the header lacks {INFO}") from None
    return [(name, array, places.get(name, ())) for name, array in arrays.items()]


def put(whole: np.ndarray, times: np.ndarray, name: str, piece: np.ndarray, place: tuple[Any, ...]) -> None:
    """Raises WrongAnswer for a piece that does not lie inside the whole, or holds what is no number."""
    numbers = len(place) == piece.ndim == whole.ndim and all(type(at) is int and at >= 0 for at in place)
    if not numbers or any(at + n > size for at, n, size in zip(place, piece.shape, whole.shape, strict=True)):
        raise WrongAnswer(f"{name!r} with shape {piece.shape} at {str(place)[:40]} does not fit into {whole.shape}")
    if not np.isfinite(piece).all():
        raise WrongAnswer(f"{name!r} holds NaN or infinity")
    inside = tuple(slice(at, at + n) for at, n in zip(place, piece.shape, strict=True))
    whole[inside] = piece
    times[inside] += times[inside] < 2  # once, or more than once: it must not wrap round


def step_of(array: np.ndarray) -> int:
    if array.size != 1 or array.dtype != np.int64:
        raise WrongAnswer("'step' must be one number of int64")
    return int(array.item())


def state_error(found: State, wanted: State, start: Mapping[str, Tensor]) -> float:
    """The worst of the three groups: distance to `wanted`, over how far the weights came from `start`, and over the
    moments' own norm. 0 is equal; 1 is as wrong as not having trained."""
    moved = norm({name: wanted.weights[name] - start[name] for name in start})
    errors = [distance(found.weights, wanted.weights) / moved]
    errors += [distance(found[group], wanted[group]) / norm(wanted[group]) for group in (1, 2)]
    return max(errors)


def distance(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    return norm({name: one[name] - other[name] for name in other})


def norm(tensors: Mapping[str, Tensor]) -> float:
    return sum(tensor.double().square().sum().item() for tensor in tensors.values()) ** 0.5
