"""Sends weights, factors and inputs through the learner's layer, and computes every number itself in 64 bits.

Nothing is asked of the layer about itself. That the gradient flows into A and B and nowhere else shows in where SGD
took them, and in W, which must be the same to the last bit. That no step builds a matrix of W's size shows in the peak
memory of a box that trains a wide layer, beside that of our own solution in an equal box.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from grader.api import Bench, Candidate, WrongAnswer

CALL_SECONDS = 20.0
ROUNDS = 3
WIDE_STEPS = 12
DROP_ROWS = 6000  # of one row repeated: enough to know a rate from another
MANY_SE = 6.0
DIVERGED = 1e6

Array = Any  # numpy.ndarray, without asking the annotation to run


class Case(NamedTuple):
    """One layer: its spec, its weights, factors to put in, and inputs of two or three dimensions."""

    spec: dict[str, float | int]
    weight: Array
    bias: Array | None
    factors: dict[str, Array]
    x: Array

    @property
    def scale(self) -> float:
        return self.spec["alpha"] / self.spec["rank"]


class Worst:
    """The largest relative difference of each kind so far."""

    def __init__(self) -> None:
        self.start = self.forward = self.step = self.merge = 0.0


def judge(bench: Bench) -> None:
    count = int(bench.sizes["layers"])
    candidate, worst = bench.candidate(), Worst()
    seen: list[Array] = []
    for number in range(count):
        bench.progress(f"layer {number + 1} of {count}", number / count)
        case = draw_case(bench.rng.child(f"layer-{number}").numpy(), odd=number % 2 == 1)
        ask_fresh(bench, candidate, case, worst, seen)
        ask_forward(candidate, case, worst)
        ask_dropout(bench, candidate, case)
        ask_training(bench, candidate, bench.rng.child(f"training-{number}").numpy(), case, worst)
        ask_merging(bench, candidate, case, worst)
    ask_wide(bench, worst)
    for name in ("start", "forward", "step", "merge"):
        bench.metric(f"{name}_diff", getattr(worst, name), samples=count)


# The layer, in 64 bits


def layer(case: Case, x: Array) -> Array:
    """W x + b + (alpha / r) B A x."""
    low = x.astype(np.float64) @ case.factors["lora_A"].T.astype(np.float64)
    return base_layer(case, x) + case.scale * low @ case.factors["lora_B"].T.astype(np.float64)


def base_layer(case: Case, x: Array) -> Array:
    y = x.astype(np.float64) @ case.weight.T.astype(np.float64)
    return y if case.bias is None else y + case.bias


def descend(case: Case, x: Array, target: Array, rate: float, steps: int) -> dict[str, Array]:
    """SGD by hand on L = mean((h - t)^2) / 2: dL/dB = s g (A x)^T and dL/dA = s B^T g x^T, with g = dL/dh."""
    x, target = (part.reshape(-1, part.shape[-1]).astype(np.float64) for part in (x, target))
    a, b = (case.factors[name].astype(np.float64) for name in ("lora_A", "lora_B"))
    fixed = base_layer(case, x) - target
    for _ in range(steps):
        low = x @ a.T
        g = (fixed + case.scale * low @ b.T) / fixed.size
        a, b = a - rate * case.scale * (g @ b).T @ x, b - rate * case.scale * g.T @ low
    return {"lora_A": a, "lora_B": b}


def stable_rate(case: Case) -> float:
    """Half of what the largest curvature at the start allows, so that SGD neither stands still nor diverges."""
    x = case.x.reshape(-1, case.x.shape[-1])
    curvature = largest(case.factors["lora_B"]) * largest(x) + largest(x @ case.factors["lora_A"].T)
    return 0.5 * len(case.weight) * len(x) / (case.scale**2 * curvature)


def largest(matrix: Array) -> float:
    """The largest eigenvalue of M^T M."""
    return float(np.linalg.norm(matrix, 2)) ** 2


def difference(found: Array, wanted: Array) -> float:
    """The largest, as a share of the largest entry that was wanted; a training that diverged is far off, no more."""
    if not np.isfinite(found).all():
        return DIVERGED
    return min(DIVERGED, float(np.abs(found - wanted).max() / np.abs(wanted).max()))


# What is asked


def draw_case(draw: Any, *, odd: bool) -> Case:
    """A small layer of unequal sides; every other one has no bias and inputs of three dimensions."""
    inputs, outputs = (int(n) for n in draw.choice([24, 36, 48, 60, 80, 96], 2, replace=False))
    rank = int(draw.choice([2, 3, 5, 8]))
    spec = {"rank": rank, "alpha": float(rank * draw.choice([0.5, 2, 3, 4])), "dropout": 0.0}
    return Case(
        spec=spec,
        weight=normal(draw, (outputs, inputs), inputs**-0.5),
        bias=None if odd else normal(draw, (outputs,), 0.5),
        factors={
            "lora_A": normal(draw, (rank, inputs), inputs**-0.5),
            "lora_B": normal(draw, (outputs, rank), rank**-0.5),
        },
        x=normal(draw, (3, 7, inputs) if odd else (17, inputs), 1.0),
    )


def normal(draw: Any, shape: tuple[int, ...], sd: float) -> Array:
    return draw.normal(0, sd, shape).astype(np.float32)


def ask_fresh(bench: Bench, candidate: Candidate, case: Case, worst: Worst, seen: list[Array]) -> None:
    """Fresh layers equal the base in both modes, dropout or not, for what B = 0 adds is nothing."""
    answer = candidate.call("fresh", {**case.spec, "dropout": 0.3}, case.weight, case.bias, case.x, timeout_s=20)
    found, wanted = read_dict(answer, {"state", "training", "evaluation"}), base_layer(case, case.x)
    held = read_state(found["state"], case)
    for mode in ("training", "evaluation"):
        worst.start = max(worst.start, difference(read_array(found[mode], wanted.shape, "forward"), wanted))
    problem = find_problem(held["lora_A"], held["lora_B"], seen)
    bench.check("ready_to_learn", not problem, problem)
    seen.append(held["lora_A"].ravel()[:20])


def find_problem(a: Array, b: Array, seen: list[Array]) -> str:
    """What keeps fresh factors from learning; empty when nothing does. A may be uniform or normal."""
    if not (b == 0).all():
        return "lora_B of a fresh layer is not zero."
    size = float(np.sqrt((a.astype(np.float64) ** 2).mean()) * a.shape[1] ** 0.5)
    if not 0.2 <= size <= 5:
        return f"the entries of a fresh lora_A are {size:.2g} times 1 / sqrt(in_features) on average."
    if len(np.unique(a)) < a.size // 2:
        return "the entries of a fresh lora_A repeat each other."
    if any(np.array_equal(a.ravel()[:20], old) for old in seen):
        return "two fresh layers have the same lora_A."
    return ""


def ask_forward(candidate: Candidate, case: Case, worst: Worst) -> None:
    wanted = layer(case, case.x)
    # A rate that must not matter: this is evaluation mode.
    spec = {**case.spec, "dropout": 0.4}
    answer = candidate.call("forward", spec, case.weight, case.bias, case.factors, case.x, False, timeout_s=20)
    worst.forward = max(worst.forward, difference(read_array(answer, wanted.shape, "forward"), wanted))


def ask_dropout(bench: Bench, candidate: Candidate, case: Case) -> None:
    """One row, thousands of times: in training mode it must scatter as dropout on the adapter's input says.

    With alpha = r both paths are about as strong, so that dropping the base's input, too, doubles the variance.
    """
    row, rate = case.x.reshape(-1, case.x.shape[-1])[0], 0.25
    rows = np.repeat(row[None], DROP_ROWS, axis=0)
    case = case._replace(spec={**case.spec, "alpha": float(case.spec["rank"]), "dropout": rate})
    answer = candidate.call("forward", case.spec, case.weight, case.bias, case.factors, rows, True, timeout_s=20)
    outputs = read_array(answer, (DROP_ROWS, len(case.weight)), "forward")
    problem = find_dropout_problem(case, row, rate, outputs)
    bench.check("dropout_on_the_adapter", not problem, problem)


def find_dropout_problem(case: Case, row: Array, rate: float, outputs: Array) -> str:
    """Each kept input is scaled by 1 / (1 - p), so the mean is the whole output and the variance is known."""
    paths = case.scale * case.factors["lora_B"].astype(np.float64) @ case.factors["lora_A"] * row
    variance = (paths**2).sum(axis=1) * rate / (1 - rate)
    mean, found = outputs.mean(axis=0, dtype=np.float64), outputs.var(axis=0, dtype=np.float64)
    ratio = float(found.sum() / variance.sum())
    if not np.isfinite(ratio):
        return "in training mode an output is not a number."
    if ratio < 1e-6:
        return "in training mode nothing is dropped."
    if not 0.8 <= ratio <= 1.25:
        return f"in training mode the outputs vary {ratio:.2g} times as much as dropout on the adapter's input says."
    off = np.abs(mean - layer(case, row[None])[0]) / np.sqrt(variance / len(outputs))
    return "" if off.max() <= MANY_SE else "in training mode the mean of the outputs is not the output without dropout."


def ask_training(bench: Bench, candidate: Candidate, draw: Any, case: Case, worst: Worst) -> None:
    """Several steps, so that both gradients count, from factors of ours; the base must not move by a bit."""
    target = normal(draw, (*case.x.shape[:-1], len(case.weight)), 1.0)
    rate, steps = stable_rate(case), int(draw.integers(3, 7))
    arguments = (case.spec, case.weight, case.bias, case.factors, case.x, target, rate, steps)
    held = read_state(candidate.call("train", *arguments, timeout_s=CALL_SECONDS), case)
    wanted = descend(case, case.x, target, rate, steps)
    for name, array in wanted.items():
        worst.step = max(worst.step, difference(held[name], array))
    same = np.array_equal(held["base.weight"], case.weight)
    same = same and (case.bias is None or np.array_equal(held["base.bias"], case.bias))
    bench.check("base_stays", bool(same), "base.weight or base.bias is another after training.")


def ask_merging(bench: Bench, candidate: Candidate, case: Case, worst: Worst) -> None:
    arguments = (case.spec, case.weight, case.bias, case.factors, case.x, ROUNDS)
    outputs, weights = {"merged_once", "merged", "unmerged"}, {"merged_weight", "unmerged_weight"}
    found = read_dict(candidate.call("merge_and_back", *arguments, timeout_s=CALL_SECONDS), outputs | weights)
    wanted = layer(case, case.x)
    for name in sorted(outputs):
        worst.merge = max(worst.merge, difference(read_array(found[name], wanted.shape, name), wanted))
    a, b = (case.factors[name].astype(np.float64) for name in ("lora_A", "lora_B"))
    merged = read_array(found["merged_weight"], case.weight.shape, "merge")
    worst.merge = max(worst.merge, difference(merged, case.weight + case.scale * b @ a))
    back = read_array(found["unmerged_weight"], case.weight.shape, "unmerge")
    off = float(np.abs(back - case.weight).max())
    feedback = f"after {ROUNDS} rounds base.weight is off by up to {off:.2g}."
    bench.check("unmerge_restores", bool(np.array_equal(back, case.weight)), feedback)


def ask_wide(bench: Bench, worst: Worst) -> None:
    """The same steps on a layer of 64 MiB, by our solution first: what a fresh machine reads once is on its bill."""
    bench.progress("training a wide layer, ours and yours", 0.9)
    size, rank = int(bench.sizes["wide"]), 8
    rng = bench.rng.child("wide")
    seed, draw = rng.integers(0, 2**60), rng.numpy()
    case = Case(
        spec={"rank": rank, "alpha": 16.0, "dropout": 0.0},
        weight=draw_wide(size, seed),
        bias=None,
        factors={"lora_A": normal(draw, (rank, size), size**-0.5), "lora_B": normal(draw, (size, rank), rank**-0.5)},
        x=normal(draw, (8, size), 1.0),
    )
    target = normal(draw, (8, size), 1.0)
    rate = stable_rate(case)
    arguments = (case.spec, size, seed, case.factors, case.x, target, rate, WIDE_STEPS)
    wanted = descend(case, case.x, target, rate, WIDE_STEPS)
    peaks = []
    for program in (bench.reference("solution"), bench.candidate()):
        answer = program.call("train_wide", *arguments, timeout_s=40)
        found = read_dict(answer, set(wanted))
        for name, array in wanted.items():
            off = difference(read_array(found[name], array.shape, name), array)
            worst.step = max(worst.step, off)
        program.finish()
        peaks.append(program.usage.peak_memory_bytes)
    bench.metric("extra_memory", (peaks[1] - peaks[0]) / case.weight.nbytes, samples=1)


def draw_wide(size: int, seed: int) -> Array:
    """The weight that harness.train_wide draws."""
    draw = np.random.Generator(np.random.Philox(seed))
    weight = np.empty((size, size), dtype=np.float32)
    for start in range(0, size, 64):
        weight[start : start + 64] = (draw.random((64, size), dtype=np.float32) - 0.5) * np.float32((12 / size) ** 0.5)
    return weight


# What comes back


def read_dict(answer: object, keys: set[str]) -> dict[str, Any]:
    if not isinstance(answer, dict) or set(answer) != keys:
        raise WrongAnswer("the harness must answer, and nothing else may")
    return answer


def read_array(answer: object, shape: tuple[int, ...], name: str) -> Array:
    """Raises WrongAnswer unless it is a float32 array of that shape. NaN is as wrong as any other number."""
    if not isinstance(answer, np.ndarray) or answer.dtype != np.float32:
        kind = answer.dtype if isinstance(answer, np.ndarray) else type(answer).__name__
        raise WrongAnswer(f"{name} must be a float32 tensor, as its input is; it is {kind}")
    if answer.shape != shape:
        raise WrongAnswer(f"{name} must have the shape {shape}; it has {answer.shape}")
    return answer


def read_state(answer: object, case: Case) -> dict[str, Array]:
    """A closed list of names and shapes."""
    shapes = {"base.weight": case.weight.shape}
    shapes |= {} if case.bias is None else {"base.bias": case.bias.shape}
    shapes |= {name: array.shape for name, array in case.factors.items()}
    if not isinstance(answer, dict) or set(answer) != set(shapes):
        names = sorted(str(name)[:40] for name in answer)[:8] if isinstance(answer, dict) else type(answer).__name__
        raise WrongAnswer(f"the state dict must hold exactly {', '.join(sorted(shapes))}; it holds {names}")
    return {name: read_array(answer[name], shape, name) for name, shape in shapes.items()}
