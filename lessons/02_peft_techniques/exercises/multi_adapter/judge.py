"""Runs the base itself, layer by layer, for the rows that the learner's generator asks for, and counts.

The base's weights never enter the box, so a forward that is not asked for does not happen: requests and rows are
counted here. Every output is compared with that of its row alone, computed in 64 bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from grader.api import Bench, Candidate, WrongAnswer

CALL_SECONDS = 20.0
MOST_REQUESTS = 2000  # of one batch: a row by row loop stays below it

Array = Any  # numpy.ndarray, without asking the annotation to run


class Base(NamedTuple):
    weights: list[Array]
    biases: list[Array]


class Count(NamedTuple):
    """Of one batch: the most requests of a layer, and rows over rows of the batch, of the layer with most."""

    forwards: int
    rows: float


def judge(bench: Bench) -> None:
    layers, size = int(bench.sizes["layers"]), int(bench.sizes["hidden"])
    draw = bench.rng.child("base").numpy()
    base = Base(
        [normal(draw, (size, size), size**-0.5) for _ in range(layers)],
        [normal(draw, (size,), 0.1) for _ in range(layers)],
    )
    adapters = draw_adapters(bench.rng.child("adapters").numpy(), int(bench.sizes["adapters"]), layers, size)
    candidate = bench.candidate()
    candidate.call("load", adapters, layers, timeout_s=CALL_SECONDS)
    counts, worst, batches = list[Count](), 0.0, int(bench.sizes["batches"])
    for number in range(batches):
        bench.progress(f"batch {number + 1} of {batches}", number / batches)
        x, ids = draw_batch(bench.rng.child(f"batch-{number}").numpy(), int(bench.sizes["rows"]), len(adapters), size)
        output, count = serve(candidate, base, x, ids)
        wanted = one_by_one(base, adapters, x, ids)
        worst = max(worst, float(np.abs(output - wanted).max() / np.abs(wanted).max()))
        counts.append(count)
    bench.metric("max_diff", worst, samples=batches)
    bench.metric("base_forwards", max(count.forwards for count in counts), samples=batches)
    bench.metric("base_rows", max(count.rows for count in counts), samples=batches)


def normal(draw: Any, shape: tuple[int, ...], sd: float) -> Array:
    return draw.normal(0, sd, shape).astype(np.float32)


def draw_adapters(draw: Any, count: int, layers: int, size: int) -> list[dict[str, Any]]:
    """Of different ranks and scales."""
    found = []
    for _ in range(count):
        rank = int(draw.choice([2, 4, 7, 12, 16]))
        pairs = [
            {"lora_A": normal(draw, (rank, size), size**-0.5), "lora_B": normal(draw, (size, rank), rank**-0.5)}
            for _ in range(layers)
        ]
        found.append({"scale": float(draw.choice([0.5, 1.0, 2.0, 3.0])), "layers": pairs})
    return found


def draw_batch(draw: Any, rows: int, adapters: int, size: int) -> tuple[Array, Array]:
    """Rows of mixed adapters in random order; -1 asks for the base alone."""
    ids = draw.integers(-1, adapters, rows)
    ids[:3] = (-1, adapters - 1, 0)
    return normal(draw, (rows, size), 1.0), draw.permutation(ids).astype(np.int64)


def serve(candidate: Candidate, base: Base, x: Array, ids: Array) -> tuple[Array, Count]:
    """One batch: answer the generator's requests until it returns."""
    requests, rows = np.zeros(len(base.weights), dtype=int), np.zeros(len(base.weights), dtype=int)
    answer = candidate.call("begin", x, ids, timeout_s=CALL_SECONDS)
    while (request := read_request(answer, len(base.weights), x.shape[1])) is not None:
        layer, hidden = request
        requests[layer] += 1
        rows[layer] += len(hidden)
        if requests.sum() > MOST_REQUESTS:
            raise WrongAnswer(f"serve asked for the base more than {MOST_REQUESTS} times in one batch")
        answer = candidate.call("resume", hidden @ base.weights[layer].T + base.biases[layer], timeout_s=CALL_SECONDS)
    return read_array(answer["output"], x.shape), Count(int(requests.max()), float(rows.max() / len(x)))


def one_by_one(base: Base, adapters: list[dict[str, Any]], x: Array, ids: Array) -> Array:
    pairs = zip(x, ids, strict=True)
    return np.stack([alone(base, adapters[number] if number >= 0 else None, row) for row, number in pairs])


def alone(base: Base, adapter: dict[str, Any] | None, row: Array) -> Array:
    """One row through all layers, in 64 bits: tanh between the layers, none after the last."""
    hidden = row.astype(np.float64)
    for layer, (weight, bias) in enumerate(zip(base.weights, base.biases, strict=True)):
        out = weight @ hidden + bias
        if adapter is not None:
            pair = adapter["layers"][layer]
            out = out + adapter["scale"] * pair["lora_B"] @ (pair["lora_A"] @ hidden)
        hidden = np.tanh(out) if layer < len(base.weights) - 1 else out
    return hidden


def read_request(answer: object, layers: int, size: int) -> tuple[int, Array] | None:
    """The layer and the rows that are asked for; None for an output. Raises WrongAnswer for anything else."""
    if isinstance(answer, dict) and set(answer) == {"output"}:
        return None
    if not isinstance(answer, dict) or set(answer) != {"layer", "rows"}:
        raise WrongAnswer("serve must yield a layer and rows, or return the output")
    layer, rows = answer["layer"], answer["rows"]
    if type(layer) is not int or not 0 <= layer < layers:
        raise WrongAnswer(f"serve asked for layer {str(layer)[:40]!r}; there are {layers}, counted from 0")
    if not isinstance(rows, np.ndarray) or rows.ndim != 2:
        raise WrongAnswer("serve must ask with a tensor of rows x features")
    return layer, read_array(rows, (len(rows), size))


def read_array(array: object, shape: tuple[int, ...]) -> Array:
    if not isinstance(array, np.ndarray) or array.dtype != np.float32 or array.shape != shape:
        raise WrongAnswer(f"rows and output must be float32 tensors of the batch's width; wanted the shape {shape}")
    if not np.isfinite(array).all():
        raise WrongAnswer("rows and output must be finite")
    return array
