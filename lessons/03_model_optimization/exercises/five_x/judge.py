"""Lets the learner's engine and our naive one write text by turns, and reads what came out with our own model.

Each byte is drawn by noise that the judge sends, so the text of a run is decided by the model and the noise together:
no loop to fall into, nothing to look up. Quality is judged byte by byte on the text that the engine itself wrote:
what would our model have chosen there, with the same noise, and how probable is what was chosen instead?
"""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from grader.api import Bench, Candidate, WrongAnswer, measures, read_safetensors

MODEL = Path(__file__).resolve().parents[3] / "models" / "tinylm-byte.safetensors"
SHA256 = "15ff300d8d76b94e472409c0cb790ab88588f06e9ce115a4732ee76cffb5b38e"
LAYERS, HEADS, EPS = 4, 4, 1e-5
TEMPERATURE = 0.8
ALIVE = (0.6, 1.67)  # surprisal of the engine's texts over that of the reference's; honest engines: 0.9 to 1.1
SAME_MODEL = 0.75  # an engine that agrees in 95 of 100 bytes is not below this in two texts by chance
PREPARE_SECONDS = 60.0
SIDES = ("candidate", "baseline", "repeat")

Array = Any  # numpy.ndarray, without asking the annotation to run


class Written(NamedTuple):
    """One text, byte by byte: what our model would have chosen, and the log-probabilities of both choices."""

    same: Array
    chosen: Array  # of the engine's byte
    best: Array  # of ours


class AfterWarmUp(measures.Interleaving):
    """The same turns, after one of each side that does not count: `prepare` and first calls are not what is asked."""

    warming = len(SIDES)

    def next_side(self):
        return SIDES[-self.warming] if self.warming else super().next_side()

    def record(self, reading) -> None:
        if self.warming:
            self.warming -= 1
        else:
            super().record(reading)


class AnotherModel(Exception):
    """There is nothing to clock: the texts are not our model's."""


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    weights = load_model()
    model = {name: torch.from_numpy(weight) for name, weight in weights.items()}
    draw = Questions(bench)
    texts: dict[bool, list[Written]] = {True: [], False: []}  # by the candidate, by ours
    least, most = int(bench.sizes["least_rounds"]), int(bench.sizes["most_rounds"])
    plan = AfterWarmUp(bench.rng.child("turns"), min_pairs=least, max_pairs=most, target_width=0.1)

    def turn(program: Candidate, number: int) -> None:
        theirs = plan.next_side() == "candidate"
        bench.progress("taking turns with the reference", number / (most + 1))
        if plan.warming:
            program.call("prepare", dict(weights), timeout_s=PREPARE_SECONDS)
            questions = [draw.question(most + extra) for extra in range(2)] if theirs else [draw.question(most, 2)]
        else:
            questions = [draw.question(number)]
        for prompt, noise in questions:
            answer = program.call("generate", prompt, noise)
            texts[theirs].append(weigh(model, prompt, noise, read_text(bench, answer, len(noise))))
        if theirs and agreement(texts[True]).value < SAME_MODEL:
            raise AnotherModel

    try:
        rounds = bench.interleave("starter", turn, plan)
    except AnotherModel:
        bench.check("same_model", False, "Most of what you wrote is not what our model would write; nothing was timed.")
        report_quality(bench, texts[True])
        return
    bench.check("same_model", True)
    bench.metric("speedup", measures.cpu_ratio(rounds, "speedup"))
    seconds = [one.candidate.cpu_s for one in rounds]
    bench.metric("bytes_per_cpu_second", draw.new / median(seconds), samples=len(seconds))
    report_quality(bench, texts[True])
    ratio = surprisal(texts[True]) / surprisal(texts[False])
    feedback = f"Our model finds your texts {ratio:.2f} times as surprising as its own on the same prompts."
    bench.check("text_is_alive", ALIVE[0] <= ratio <= ALIVE[1], feedback)


class Questions:
    """A prompt of hidden text and fresh noise for each number, the same for all sides."""

    def __init__(self, bench: Bench) -> None:
        self.rng = bench.rng
        self.length, self.new = int(bench.sizes["prompt"]), int(bench.sizes["new"])
        self.text = np.frombuffer(b"".join(path.read_bytes() for path in held_out_files()), np.uint8)

    def question(self, number: int, new: int | None = None) -> tuple[Array, Array]:
        draw = self.rng.child(f"question-{number}").numpy()
        start = int(draw.integers(0, len(self.text) - self.length))
        noise = TEMPERATURE * draw.gumbel(size=(new or self.new, 256))
        return self.text[start : start + self.length].copy(), noise.astype(np.float32)


def read_text(bench: Bench, answer: object, wanted: int) -> Array:
    """Raises WrongAnswer unless it is an array of that many bytes."""
    if not isinstance(answer, np.ndarray) or answer.dtype != np.uint8 or answer.ndim != 1:
        found = (
            f"{answer.dtype} array of shape {answer.shape}" if isinstance(answer, np.ndarray) else type(answer).__name__
        )
        raise WrongAnswer(f"generate must return a one-dimensional uint8 array; it returned: {found}")
    bench.check("byte_count", len(answer) == wanted, f"{wanted} bytes were asked for and {len(answer)} came.")
    if len(answer) != wanted:
        raise WrongAnswer("generate must return as many bytes as there are rows of noise")
    return answer


@torch.no_grad()
def weigh(model: Mapping[str, Tensor], prompt: Array, noise: Array, text: Array) -> Written:
    """Read the text with our model: position by position, given everything that the engine wrote before."""
    ids = torch.from_numpy(np.concatenate([prompt, text]).astype(np.int64))
    logits = forward(model, ids[:-1])[len(prompt) - 1 :]
    tokens, ours = ids[len(prompt) :], (logits + torch.from_numpy(noise)).argmax(1)
    logs = logits.log_softmax(1)
    chosen, best = (logs.gather(1, which[:, None])[:, 0].double().numpy() for which in (tokens, ours))
    return Written((tokens == ours).numpy(), chosen, best)


def agreement(texts: list[Written]) -> measures.Measure:
    same = [text.same.tolist() for text in texts]
    return measures.agreement(same, [[True] * len(text) for text in same])


def report_quality(bench: Bench, texts: list[Written]) -> None:
    bench.metric("agreement", agreement(texts))
    bench.metric("whole_texts", measures.share(sum(bool(text.same.all()) for text in texts), len(texts)))
    worse = sum(float((text.best - text.chosen).sum()) for text in texts)
    whole = -sum(float(text.best.sum()) for text in texts)
    bench.metric("quality_loss", 100 * worse / whole, samples=len(texts), provenance="recomputed")


def surprisal(texts: list[Written]) -> float:
    """Nats a byte, on average."""
    return -float(np.concatenate([text.chosen for text in texts]).mean())


# The model


def load_model() -> dict[str, Array]:
    """The course's model in float32. Raises RuntimeError when the file is not the one that this judge was made for."""
    data = MODEL.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise RuntimeError(f"{MODEL} is not the model that this exercise was calibrated with")
    return {name: array.astype(np.float32) for name, array in read_safetensors(data).items()}


def forward(weights: Mapping[str, Tensor], ids: Tensor) -> Tensor:
    """Logits (time, 256) of ids (time,)."""
    x = weights["embed.weight"][ids] + weights["position.weight"][: len(ids)]
    for layer in range(LAYERS):
        w = {name.removeprefix(f"blocks.{layer}."): weight for name, weight in weights.items()}
        y = F.rms_norm(x, x.shape[-1:], w["norm1.weight"], EPS)
        q, k, v = (F.linear(y, w[f"attention.{n}.weight"]).unflatten(-1, (HEADS, -1)).transpose(0, 1) for n in "qkv")
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.linear(mixed.transpose(0, 1).flatten(1), w["attention.o.weight"])
        y = F.rms_norm(x, x.shape[-1:], w["norm2.weight"], EPS)
        x = x + F.linear(F.gelu(F.linear(y, w["mlp.up.weight"])), w["mlp.down.weight"])
    return F.linear(F.rms_norm(x, x.shape[-1:], weights["norm.weight"], EPS), weights["embed.weight"])


# The prompts: modules of the standard library that the model was not trained on (scripts/course_models.py)


def held_out_files() -> Iterator[Path]:
    root = Path(sysconfig.get_paths()["stdlib"])
    left_out = {"site-packages", "test", "tests", "idle_test", "idlelib", "turtledemo", "__pycache__", "lib2to3"}
    for where, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - left_out)
        for path in (Path(where, name) for name in sorted(names) if name.endswith(".py")):
            if hashlib.sha256(path.relative_to(root).as_posix().encode()).digest()[0] < 16:
                yield path
