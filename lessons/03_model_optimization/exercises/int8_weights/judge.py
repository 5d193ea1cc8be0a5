"""Stretches a trained language model, has it quantised in a box, counts the bytes, and runs what comes back.

Rows of the query matrix are multiplied by powers of two and the same rows of the key matrix divided by them; columns
likewise against the norm before them. So the model's function is the same and its ranges are those of a model with
outliers, other ones in each run. What comes back is read by the documented formula, and by nothing else.
"""

from __future__ import annotations

import hashlib
import math
import os
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from grader.api import Bench, Rng, WrongAnswer, mean_ci95, read_safetensors

MODEL = Path(__file__).resolve().parents[3] / "models" / "tinylm-byte.safetensors"
SHA256 = "15ff300d8d76b94e472409c0cb790ab88588f06e9ce115a4732ee76cffb5b38e"
LAYERS, HEADS, CONTEXT, EPS = 4, 4, 256, 1e-5
STRETCHED_ROWS = 24  # of 192, in each query matrix and key matrix; by 32, 64 or 128
STRETCHED_COLUMNS = 2  # of 192, after each norm; by 64 or 128
CALL_SECONDS = 20.0
LARGEST = 6e4  # of a returned number: a stretched model's own stay below 2e4

Array = Any  # numpy.ndarray, without asking the annotation to run
Weights = dict[str, Array]


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    original = load_model()
    text = draw_windows(bench.rng.child("text"), int(bench.sizes["windows"]))
    bench.progress("measuring the model as it is", 0.1)
    before = window_losses(original, text)
    bench.metric("bpb_original", before.mean() / math.log(2), samples=text.size, provenance="recomputed")
    candidate = bench.candidate()
    ratios, increases = list[float](), list[Array]()
    for number in range(int(bench.sizes["models"])):
        bench.progress(f"model {number + 1}", 0.2 + 0.8 * number / bench.sizes["models"])
        model = stretch(original, bench.rng.child(f"stretch-{number}"))
        answer = candidate.call("quantise", dict(model), timeout_s=CALL_SECONDS)
        problems = find_problems(answer, model)
        bench.check("format", not problems, "\n".join(problems[:6]))
        if problems:
            return
        ratios.append(count_bytes(answer) / sum(weight.nbytes for weight in model.values()))
        after = window_losses(restore(answer, model), text)
        increases.append(100 * (after - before) / before.mean())
    report(bench, ratios, increases)
    bench.metric("quantise_cpu_s", candidate.usage.cpu_s)


def report(bench: Bench, ratios: list[float], increases: list[Array]) -> None:
    """The largest of the bytes, and the model that got worst, with the interval over its windows."""
    worst = max(increases, key=lambda increase: float(increase.mean()))
    bench.log("bits per byte rose by " + ", ".join(f"{increase.mean():.2f} %" for increase in increases))
    bench.metric("bytes_ratio", max(ratios), samples=len(ratios), provenance="recomputed")
    bench.metric(
        "bpb_increase",
        float(worst.mean()),
        samples=len(worst),
        ci95=mean_ci95(worst.tolist()),
        provenance="recomputed",
    )


# The model


def load_model() -> Weights:
    """The course's model in float32. Raises RuntimeError when the file is not the one that this judge was made for."""
    data = MODEL.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise RuntimeError(f"{MODEL} is not the model that this exercise was calibrated with")
    return {name: array.astype(np.float32) for name, array in read_safetensors(data).items()}


def stretch(weights: Mapping[str, Array], rng: Rng) -> Weights:
    """The same function with large rows and columns. Powers of two, so nothing is rounded."""
    model = {name: weight.copy() for name, weight in weights.items()}
    for layer in range(LAYERS):
        block = f"blocks.{layer}"
        width = len(model[f"{block}.norm1.weight"])
        for row in rng.sample(range(width), STRETCHED_ROWS):
            factor = rng.choice((32, 64, 128)) ** rng.choice((1, -1))
            model[f"{block}.attention.q.weight"][row] *= factor
            model[f"{block}.attention.k.weight"][row] /= factor  # a score is the sum of q times k
        for norm, readers in (("norm1", ("attention.q", "attention.k", "attention.v")), ("norm2", ("mlp.up",))):
            for column in rng.sample(range(width), STRETCHED_COLUMNS):
                factor = rng.choice((64, 128))
                model[f"{block}.{norm}.weight"][column] /= factor
                for reader in readers:
                    model[f"{block}.{reader}.weight"][:, column] *= factor
    return model


@torch.no_grad()
def window_losses(weights: Mapping[str, Array], windows: Array) -> Array:
    """Nats per byte of each window, given what comes before in the window."""
    tensors = {name: torch.from_numpy(weight) for name, weight in weights.items()}
    losses = []
    for part in torch.from_numpy(windows).split(16):
        logits, targets = forward(tensors, part[:, :-1]), part[:, 1:]
        flat = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        losses.append(flat.view(targets.shape).mean(1))
    # A model that overflows has no loss: it is as bad as one can be.
    return torch.cat(losses).nan_to_num(nan=1e3, posinf=1e3).double().numpy()


def forward(weights: Mapping[str, Tensor], ids: Tensor) -> Tensor:
    """Logits (batch, time, 256)."""
    x = weights["embed.weight"][ids] + weights["position.weight"][: ids.shape[1]]
    for layer in range(LAYERS):
        w = {name.removeprefix(f"blocks.{layer}."): weight for name, weight in weights.items()}
        y = F.rms_norm(x, x.shape[-1:], w["norm1.weight"], EPS)
        q, k, v = (F.linear(y, w[f"attention.{n}.weight"]).unflatten(-1, (HEADS, -1)).transpose(1, 2) for n in "qkv")
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.linear(mixed.transpose(1, 2).flatten(2), w["attention.o.weight"])
        y = F.rms_norm(x, x.shape[-1:], w["norm2.weight"], EPS)
        x = x + F.linear(F.gelu(F.linear(y, w["mlp.up.weight"])), w["mlp.down.weight"])
    return F.linear(F.rms_norm(x, x.shape[-1:], weights["norm.weight"], EPS), weights["embed.weight"])


# The hidden text: modules of the standard library that the model was not trained on (scripts/course_models.py)


def draw_windows(rng: Rng, count: int) -> Array:
    """Windows of CONTEXT + 1 bytes, (count, CONTEXT + 1)."""
    text = np.frombuffer(b"".join(path.read_bytes() for path in held_out_files()), np.uint8)
    starts = rng.numpy().integers(0, len(text) - CONTEXT - 1, count)
    return text[starts[:, None] + np.arange(CONTEXT + 1)].astype(np.int64)


def held_out_files() -> Iterator[Path]:
    root = Path(sysconfig.get_paths()["stdlib"])
    left_out = {"site-packages", "test", "tests", "idle_test", "idlelib", "turtledemo", "__pycache__", "lib2to3"}
    for where, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - left_out)
        for path in (Path(where, name) for name in sorted(names) if name.endswith(".py")):
            if hashlib.sha256(path.relative_to(root).as_posix().encode()).digest()[0] < 16:
                yield path


# The answer


def find_problems(answer: object, model: Mapping[str, Array]) -> list[str]:
    """Everything that keeps it from being a form of this model; empty if it is one. Raises WrongAnswer for no dict."""
    if not isinstance(answer, dict):
        raise WrongAnswer(f"quantise must return a dict of the model's tensors; it returned a {type(answer).__name__}")
    problems = [f"{name!r} is missing" for name in sorted(model.keys() - answer.keys())]
    problems += [f"the model has no tensor {name[:60]!r}" for name in sorted(answer.keys() - model.keys())]
    if problems:
        return problems
    found = ((name, find_problem(answer[name], weight)) for name, weight in model.items())
    return [f"{name!r} {problem}" for name, problem in found if problem]


def find_problem(entry: object, weight: Array) -> str | None:
    if isinstance(entry, np.ndarray):
        return _floats_problem(entry) or _shape_problem("is an array", entry, weight.shape)
    if not isinstance(entry, dict) or set(entry) != {"q", "scale"}:
        return "must be an array, or a dict with exactly the keys q and scale"
    q, scale = entry["q"], entry["scale"]
    if weight.ndim != 2:
        return "is a vector: it comes back as a float array"
    if not isinstance(q, np.ndarray) or q.dtype != np.int8:
        return f"has a q that is no int8 array: {getattr(q, 'dtype', type(q).__name__)}"
    if not isinstance(scale, np.ndarray):
        return f"has a scale that is no array: {type(scale).__name__}"
    rows, columns = weight.shape
    if scale.ndim != 2 or scale.shape[0] not in {1, rows} or not scale.shape[1] or columns % scale.shape[1]:
        return f"has a scale of shape {scale.shape}: it must be (1 or {rows}, groups), with {columns} % groups == 0"
    return _shape_problem("has a q", q, weight.shape) or _floats_problem(scale)


def _shape_problem(what: str, array: Array, shape: tuple[int, ...]) -> str | None:
    return None if array.shape == shape else f"{what} of shape {array.shape}; it must be {shape}"


def _floats_problem(array: Array) -> str | None:
    if array.dtype not in (np.float16, np.float32):
        return f"has floats of type {array.dtype}; they must be float16 or float32"
    if not (np.abs(array) < LARGEST).all():  # false for NaN, too
        return f"holds a number that is not finite, or not below {LARGEST:g}"
    return None


def count_bytes(answer: Mapping[str, Any]) -> int:
    """Of every array, as it arrived."""
    parts = [entry.values() if isinstance(entry, dict) else [entry] for entry in answer.values()]
    return sum(array.nbytes for part in parts for array in part)


def restore(answer: Mapping[str, Any], model: Mapping[str, Array]) -> Weights:
    """float32 weights by the documented formula, in the model's order."""
    return {name: restore_entry(answer[name]) for name in model}


def restore_entry(entry: Any) -> Array:
    if isinstance(entry, np.ndarray):
        return entry.astype(np.float32)
    q, scale = entry["q"], entry["scale"].astype(np.float32)
    return q * np.repeat(scale, q.shape[1] // scale.shape[1], axis=1)
