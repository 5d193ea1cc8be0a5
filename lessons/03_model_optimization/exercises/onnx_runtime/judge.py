"""Has a drawn model turned into ONNX files in one box, and runs the files in others, where no line of the learner's is.

The model is the course's, with some rows of the query matrices large and its weights a little moved, both drawn: no
file that was made at home fits. A graph has no state between two calls, and each answer that is timed is scored: there
is no moment at which it could do less. The files themselves are opened in boxes only, by ONNX Runtime, within the
limits that the learner's own program has.
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

from grader.api import Bench, Candidate, Rng, WrongAnswer, mean_ci95, measures, read_safetensors

MODEL = Path(__file__).resolve().parents[3] / "models" / "tinylm-byte.safetensors"
SHA256 = "15ff300d8d76b94e472409c0cb790ab88588f06e9ce115a4732ee76cffb5b38e"
LAYERS, HEADS, CONTEXT, EPS = 4, 4, 256, 1e-5
STRETCHED_ROWS = 24  # of 192, in each query matrix and key matrix; by 32, 64 or 128
MOVED = 0.02  # of each weight, relative
FILES = ("model.onnx", "model.int8.onnx")
MAX_BYTES = 16 * 1024 * 1024
DOMAINS = {"", "ai.onnx", "com.microsoft"}
BRANCHES = {"If", "Loop", "Scan"}  # with them the cost of an answer may depend on what was asked
CONVERT_SECONDS, CALL_SECONDS = 60.0, 20.0

Array = Any  # numpy.ndarray, without asking the annotation to run
Weights = dict[str, Array]


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    weights = draw_model(load_model(), bench.rng.child("model"))
    bench.progress("exporting", 0.05)
    converter = bench.candidate()
    files = read_files(converter.call("convert_model", weights, timeout_s=CONVERT_SECONDS))
    converter.finish()  # nothing of the learner's lives on beside the turns
    bench.progress("opening the files", 0.4)
    error, problem = open_files(bench, files, weights)
    bench.check("graphs_run", not problem, problem)
    if problem:
        return
    bench.metric("parity", error, provenance="recomputed")
    original = sum(weight.nbytes for weight in weights.values())
    bench.metric("bytes_ratio", measures.count_ratio(files["model.int8.onnx"].nbytes, original, "observed"))
    race(bench, files["model.int8.onnx"], weights)


# The files


def read_files(answer: object) -> dict[str, Array]:
    if not isinstance(answer, dict) or not all(is_bytes(data) for data in answer.values()):
        raise WrongAnswer("the box did not hand over files")
    return answer


def is_bytes(data: object) -> bool:
    return isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim == 1


def find_file_problem(files: Mapping[str, Array]) -> str:
    """What keeps these from being the two files; empty if they are."""
    missing = [name for name in FILES if name not in files]
    if missing:
        return f"convert did not write {' and '.join(missing)}"
    large = [name for name in FILES if files[name].nbytes > MAX_BYTES]
    return f"{large[0]} has more than {MAX_BYTES} bytes" if large else ""


def open_files(bench: Bench, files: Mapping[str, Array], weights: Weights) -> tuple[float, str]:
    """How far model.onnx is from PyTorch; or what is wrong with a file."""
    problem = find_file_problem(files)
    if problem:
        return math.inf, problem
    host = bench.candidate()
    problem = inspect_files(bench, host, files)
    if problem:
        return math.inf, problem
    try:
        error, problem = compare(bench, host, files["model.onnx"], weights)
    except WrongAnswer as wrong:
        error, problem = math.inf, f"model.onnx: {wrong.message}"
    host.finish()
    return error, problem


def inspect_files(bench: Bench, host: Candidate, files: Mapping[str, Array]) -> str:
    """Have both files parsed and checked in a box; what is wrong with one, or empty."""
    for name in FILES:
        facts = ask(host, "inspect", files[name])
        problem = find_graph_problem(facts)
        if problem:
            return f"{name}: {problem}"
        common = sorted(facts["operators"].items(), key=lambda item: (-item[1], item[0]))
        products = ", ".join(f"{number} {name}" for name, number in common if "MatMul" in name or "Gemm" in name)
        bench.log(f"{name}: {files[name].nbytes:,} bytes, {sum(facts['operators'].values())} nodes, of them {products}")
    return ""


def find_graph_problem(facts: Mapping[str, Any]) -> str:
    """By what the checker found in a file; empty if the graph may be run."""
    if facts["problem"]:
        return str(facts["problem"])
    if facts["outside"]:
        return f"the weights are not in it: {facts['outside'][0]!r} lies in another file, which stayed behind"
    strange = sorted(set(facts["domains"]) - DOMAINS)
    if strange:
        return f"it has operators of {strange[0]!r}, which the runtime does not know"
    branches = sorted(BRANCHES & facts["operators"].keys())
    if branches:
        return f"it has {branches[0]}: a graph must do the same work for every request of one shape"
    if facts["inputs"] != ["ids"] or facts["outputs"] != ["logits"]:
        return f"it goes from {facts['inputs']} to {facts['outputs']}; it must go from ids to logits"
    return ""


# Running them


ANSWERS = {
    "inspect": {"problem": str, "outside": list, "operators": dict, "domains": list, "inputs": list, "outputs": list},
    "deploy": {"problem": str, "runs": str},
    "answer": {"problem": str, "logits": list},
}


def ask(program: Candidate, function: str, *arguments: object) -> dict[str, Any]:
    """What main.py answers. The program is ours, and what it reads is not: so its answer is looked at."""
    said = program.call(function, *arguments, timeout_s=CALL_SECONDS)
    if not isinstance(said, dict) or any(type(said.get(key)) is not kind for key, kind in ANSWERS[function].items()):
        raise WrongAnswer(f"the box that runs the graphs gave no answer to {function}")
    return said


def compare(bench: Bench, host: Candidate, graph: Array, weights: Weights) -> tuple[float, str]:
    """The largest difference of a logit from PyTorch's, over requests of several shapes; or what went wrong."""
    opened = ask(host, "deploy", graph, {})
    if opened["problem"]:
        return math.inf, f"ONNX Runtime does not open model.onnx: {opened['problem']}"
    draw = bench.rng.child("shapes").numpy()
    shapes = [(int(draw.integers(2, 5)), int(draw.integers(20, 90))), (1, CONTEXT), (1, int(draw.integers(2, 6)))]
    worst = 0.0
    for number, shape in enumerate(shapes[: int(bench.sizes["shapes"])]):
        ids = draw_windows(bench.rng.child(f"parity-{number}"), *shape)[:, :-1]
        said = ask(host, "answer", [ids])
        if said["problem"]:
            return math.inf, f"model.onnx does not run on ids of shape {shape}: {said['problem']}"
        logits = read_logits(said["logits"], [ids])[0]
        worst = max(worst, float(np.abs(logits - logits_of(weights, ids)).max()))
    return worst, ""


def race(bench: Bench, graph: Array, weights: Weights) -> None:
    """The eight-bit graph and eager PyTorch take turns at the same windows, one request after the other."""
    count, length = int(bench.sizes["windows"]), int(bench.sizes["length"])
    opened: dict[int, str] = {}
    losses: dict[int, tuple[Array, Array]] = {}

    def turn(program: Candidate, number: int) -> None:
        bench.progress("taking turns with PyTorch", 0.5 + 0.02 * number)
        if id(program) not in opened:
            said = ask(program, "deploy", graph, weights)
            if said["problem"]:
                raise WrongAnswer(f"ONNX Runtime does not open model.int8.onnx: {said['problem']}")
            opened[id(program)] = said["runs"]
        windows = draw_windows(bench.rng.child(f"round-{number}"), count, length)
        requests = [window[None, :-1] for window in windows]
        said = ask(program, "answer", requests)
        if said["problem"]:
            raise WrongAnswer(f"model.int8.onnx does not run on ids of shape (1, {length}): {said['problem']}")
        if opened[id(program)] == "onnx":
            logits = np.concatenate(read_logits(said["logits"], requests))
            losses[number] = losses_of(logits, windows), losses_of(logits_of(weights, windows[:, :-1]), windows)

    rounds = bench.interleave("eager", turn)
    if len(losses) != len(rounds):
        raise WrongAnswer("the box that runs the graph did not answer as ours does")
    bench.metric("speedup", measures.cpu_ratio(rounds, "speedup"))
    found, wanted = (np.concatenate([pair[which] for pair in losses.values()]) for which in (0, 1))
    increase = 100 * (found - wanted) / wanted.mean()
    bench.metric("bpb_original", wanted.mean() / math.log(2), samples=len(wanted), provenance="recomputed")
    interval = mean_ci95(increase.tolist())
    bench.metric("bpb_increase", increase.mean(), samples=len(increase), ci95=interval, provenance="recomputed")


def read_logits(answers: object, requests: list[Array]) -> list[Array]:
    """Raises WrongAnswer unless there are float32 logits for each byte of each request."""
    if not isinstance(answers, list) or len(answers) != len(requests):
        raise WrongAnswer("the graph did not answer every request")
    for logits, ids in zip(answers, requests, strict=True):
        if not isinstance(logits, np.ndarray) or logits.dtype != np.float32 or logits.shape != (*ids.shape, 256):
            what = f"{logits.dtype} of shape {logits.shape}" if isinstance(logits, np.ndarray) else "no array"
            raise WrongAnswer(
                f"for ids of shape {ids.shape} logits must be float32 of shape {(*ids.shape, 256)}: {what}"
            )
        if not np.isfinite(logits).all():
            raise WrongAnswer("a logit is NaN or infinite")
    return answers


def losses_of(logits: Array, windows: Array) -> Array:
    """Mean nats of each window's bytes."""
    flat = F.cross_entropy(
        torch.from_numpy(logits).flatten(0, 1), torch.from_numpy(windows[:, 1:]).flatten(), reduction="none"
    )
    return flat.view(len(windows), -1).double().mean(1).numpy()


# The model


def load_model() -> Weights:
    """The course's model in float32. Raises RuntimeError when the file is not the one that this judge was made for."""
    data = MODEL.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise RuntimeError(f"{MODEL} is not the model that this exercise was calibrated with")
    return {name: array.astype(np.float32) for name, array in read_safetensors(data).items()}


def draw_model(weights: Mapping[str, Array], rng: Rng) -> Weights:
    """Weights of this run alone, with large rows. A score is a sum of q times k: one's factor divides the other."""
    draw = rng.child("moved").numpy()
    model = {
        name: (weight * (1 + MOVED * draw.standard_normal(weight.shape))).astype(np.float32)
        for name, weight in weights.items()
    }
    for layer in range(LAYERS):
        q, k = (model[f"blocks.{layer}.attention.{name}.weight"] for name in "qk")
        for row in rng.sample(range(len(q)), STRETCHED_ROWS):
            factor = rng.choice((32, 64, 128)) ** rng.choice((1, -1))
            q[row] *= factor
            k[row] /= factor
    return model


@torch.no_grad()
def logits_of(weights: Mapping[str, Array], ids: Array) -> Array:
    tensors = {name: torch.from_numpy(weight) for name, weight in weights.items()}
    return forward(tensors, torch.from_numpy(ids)).numpy()


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


def draw_windows(rng: Rng, count: int, length: int) -> Array:
    """(count, length + 1) bytes, as int64."""
    text = held_out_text()
    starts = rng.numpy().integers(0, len(text) - length - 1, count)
    return text[starts[:, None] + np.arange(length + 1)].astype(np.int64)


def held_out_text() -> Array:
    if not TEXT:
        TEXT.append(np.frombuffer(b"".join(path.read_bytes() for path in held_out_files()), np.uint8))
    return TEXT[0]


TEXT: list[Array] = []  # read once


def held_out_files() -> Iterator[Path]:
    root = Path(sysconfig.get_paths()["stdlib"])
    left_out = {"site-packages", "test", "tests", "idle_test", "idlelib", "turtledemo", "__pycache__", "lib2to3"}
    for where, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - left_out)
        for path in (Path(where, name) for name in sorted(names) if name.endswith(".py")):
            if hashlib.sha256(path.relative_to(root).as_posix().encode()).digest()[0] < 16:
                yield path
