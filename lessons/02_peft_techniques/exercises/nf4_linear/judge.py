"""Has matrices quantised in one box, counts the bytes that came back, and has the layers run from them in another.

The second box never saw the weights. Its output must agree with the judge's own reading of the packed bytes, so what
was counted is all that the layer is made of; and it is compared with the output of the exact weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from grader.api import Bench, Candidate, Rng, WrongAnswer, measures

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
GROUP = 256  # blocks that share one scale of scales
PLAIN = ("codes", "absmax")
DOUBLE = ("codes", "absmax_codes", "absmax_scales", "absmax_mean")
TYPES = {
    "codes": np.uint8,
    "absmax": np.float32,
    "absmax_codes": np.uint8,
    "absmax_scales": np.float32,
    "absmax_mean": np.float32,
}
SMALLEST_BLOCK, LARGEST_BLOCK = 8, 4096
AGREES = 0.005  # relative; room for a layer that computes in bf16
OUTLIERS = 2e-4  # share of the weights that are twelve times as large
CALL_SECONDS = 20.0

Packed = Mapping[str, np.ndarray]


def judge(bench: Bench) -> None:
    weights = [draw_weight(bench.rng.child(f"weight-{n}"), bench.sizes) for n in range(int(bench.sizes["layers"]))]
    packer = bench.candidate()
    layers: list[Packed] = []
    for number, weight in enumerate(weights):
        bench.progress("quantising", 0.5 * number / len(weights))
        answer = packer.call("quantise", weight, timeout_s=CALL_SECONDS)
        problem = find_problem(answer, weight.size)
        bench.check("packed_fits", not problem, problem)
        if problem:
            return
        layers.append(answer)
    held = sum(array.nbytes for layer in layers for array in layer.values())
    bench.metric("bytes_ratio", measures.count_ratio(held, 2 * sum(w.size for w in weights), "observed"))
    run_layers(bench, bench.candidate(), weights, layers)


def run_layers(bench: Bench, runner: Candidate, weights: list[np.ndarray], layers: list[Packed]) -> None:
    """Ask a box that never saw the weights for the outputs; errors are those of the worst layer."""
    errors, disagreements = list[float](), list[float]()
    for number, (weight, packed) in enumerate(zip(weights, layers, strict=True)):
        bench.progress("running the layers from their bytes", 0.5 + 0.5 * number / len(weights))
        x = draw_input(bench.rng.child(f"input-{number}"), weight.shape[1])
        output = read_output(runner.call("linear", x, dict(packed), timeout_s=CALL_SECONDS), len(x), len(weight))
        errors.append(relative_error(output, x @ weight.T))
        disagreements.append(relative_error(output, x @ dequantise(packed).reshape(weight.shape).T))
    worst = max(disagreements)
    bench.check(
        "linear_agrees",
        worst <= AGREES,
        f"From your bytes we compute an output that differs from yours by {100 * worst:.1f} %.",
    )
    bench.metric("output_error", 100 * max(errors), samples=len(errors))


def draw_weight(rng: Rng, sizes: Mapping[str, float]) -> np.ndarray:
    """Normal weights whose rows differ in size, with a few outliers and some pruned rows.

    The number of rows is drawn, so blocks seldom fill their last group of 256.
    """
    draw = rng.numpy()
    rows, columns = int(sizes["rows"]) + rng.integers(0, 64), int(sizes["columns"])
    weight = draw.normal(size=(rows, columns)) * np.exp(0.5 * draw.normal(size=(rows, 1))) / math.sqrt(columns)
    weight[draw.random(size=weight.shape) < OUTLIERS] *= 12
    weight[draw.choice(rows, size=3, replace=False)] = 0
    return weight.astype(np.float32)


def draw_input(rng: Rng, columns: int) -> np.ndarray:
    """Activations: normal, with features that differ in size."""
    draw = rng.numpy()
    features = np.exp(0.5 * draw.normal(size=columns))
    return (draw.normal(size=(rng.integers(48, 80), columns)) * features).astype(np.float32)


def find_problem(packed: object, elements: int) -> str:
    """What keeps this from being a packed layer of that many weights; empty when it is one."""
    if not isinstance(packed, dict) or not all(isinstance(array, np.ndarray) for array in packed.values()):
        return "quantise must return a dict of tensors"
    if set(packed) not in (set(PLAIN), set(DOUBLE)):
        return f"the names are {sorted(packed)}: they must be {list(PLAIN)}, or {list(DOUBLE)}"
    for name, array in packed.items():
        if array.dtype != TYPES[name] or array.ndim != 1:
            return f"{name} must be a flat array of {np.dtype(TYPES[name])}, not {array.dtype} of shape {array.shape}"
        if not np.isfinite(array).all():
            return f"{name} holds NaN or infinity"
    return _length_problem(packed, elements)


def _length_problem(packed: Mapping[str, Any], elements: int) -> str:
    if 2 * len(packed["codes"]) != elements:
        return f"codes has {len(packed['codes'])} bytes for {elements} weights: two weights share a byte"
    scales = "absmax" if "absmax" in packed else "absmax_codes"
    blocks = len(packed[scales])
    if blocks == 0 or elements % blocks or not SMALLEST_BLOCK <= elements // blocks <= LARGEST_BLOCK:
        allowed = f"blocks of {SMALLEST_BLOCK} to {LARGEST_BLOCK}, all of one length"
        return f"{scales} has {blocks} entries for {elements} weights: it must be one per block, with {allowed}"
    if scales == "absmax_codes":
        lengths = len(packed["absmax_scales"]), len(packed["absmax_mean"])
        wanted = -(-blocks // GROUP), 1
        if lengths != wanted:
            return f"absmax_scales and absmax_mean have {lengths} entries; {blocks} blocks need {wanted}"
    return ""


def unpack_scales(packed: Packed) -> np.ndarray:
    """One float32 per block."""
    if "absmax" in packed:
        return packed["absmax"]
    codes = packed["absmax_codes"].astype(np.float32) - 128
    scales = np.repeat(packed["absmax_scales"], GROUP)[: len(codes)]
    return packed["absmax_mean"] + scales * codes / np.float32(127)


def dequantise(packed: Packed) -> np.ndarray:
    """The weights that a packed layer stands for, flat."""
    absmax = unpack_scales(packed)
    codes = np.stack([packed["codes"] >> 4, packed["codes"] & 15], axis=1)
    return (LEVELS[codes].reshape(len(absmax), -1) * absmax[:, None]).ravel()


def read_output(answer: object, tokens: int, features: int) -> np.ndarray:
    if not isinstance(answer, np.ndarray) or answer.shape != (tokens, features):
        shape = answer.shape if isinstance(answer, np.ndarray) else type(answer).__name__
        raise WrongAnswer(f"linear must return one row per token, here ({tokens}, {features}); it returned {shape}")
    if not np.issubdtype(answer.dtype, np.floating) or not np.isfinite(answer).all():
        raise WrongAnswer("linear must return finite floating-point numbers")
    return answer


def relative_error(output: np.ndarray, wanted: np.ndarray) -> float:
    """In the 2-norm; capped, so that any finite output gives a finite number."""
    scale = float(np.linalg.norm(wanted.astype(np.float64)))
    error = float(np.linalg.norm(output.astype(np.float64) - wanted))
    if scale == 0:
        return 0.0 if error == 0 else 1e3
    return min(error / scale, 1e3)
