"""Holds the target: answers the program's forwards from a cache of its own, counts them, and reads the tokens again.

The program decodes in its box and has no weights. Each forward is a question to us: at most MOST tokens at consecutive
places, against the keys and values that are kept from earlier forwards. So nothing is verified that was not asked for,
and nothing is asked for that is not counted. The answer is then checked by one causal pass of its own, not by what was
said on the way.

A small model's greedy text falls into loops, and a loop can be guessed by repeating it. Of three times as many prompts
as we need, those are used on which the target repeats itself least.
"""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from grader.api import Bench, Candidate, Rng, WrongAnswer, mean_ci95, read_safetensors

MODEL = Path(__file__).resolve().parents[3] / "models" / "tinylm-byte.safetensors"
SHA256 = "15ff300d8d76b94e472409c0cb790ab88588f06e9ce115a4732ee76cffb5b38e"
LAYERS, HEADS, CONTEXT, EPS = 4, 4, 256, 1e-5
MOST = 9  # tokens in one forward: what was confirmed last, and eight guesses
DRAWN = 3  # prompts for each one that is used
GRAM = 4  # bytes; how many different ones an answer has says how little it repeats itself
TIE = 5e-4  # logits: float32 sums in another order differ by 1e-5
CALL_SECONDS = 20.0

Array = Any  # numpy.ndarray, without asking the annotation to run
Weights = dict[str, Tensor]


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    weights = load_model()
    new, count = int(bench.sizes["new_tokens"]), int(bench.sizes["prompts"])
    bench.progress("choosing prompts", 0.05)
    drawn = draw_windows(bench.rng.child("text"), DRAWN * count, int(bench.sizes["prompt_tokens"]))
    prompts = choose(weights, drawn, new, count)
    candidate, tallies = bench.candidate(), list[Tally]()
    for number, prompt in enumerate(prompts.tolist()):
        bench.progress("answering forwards", 0.1 + 0.9 * number / count)
        tokens, tally = converse(candidate, weights, prompt, new)
        ok, feedback = judge_tokens(weights, prompt, tokens, new)
        bench.check("same_tokens", ok, feedback)
        if not ok:
            return
        tallies.append(tally)
    for name in Tally._fields:
        values = [getattr(tally, name) / new for tally in tallies]
        mean = sum(values) / count
        bench.metric(f"{name}_per_token", mean, samples=count, ci95=mean_ci95(values))
    bench.metric("draft_cpu_s", candidate.usage.cpu_s)


# The conversation


class Tally(NamedTuple):
    """What the target was asked for while one prompt was answered."""

    forwards: int
    positions: int


class Counted:
    """The target behind its cache, for one prompt."""

    def __init__(self, weights: Weights, prompt: list[int], new_tokens: int) -> None:
        self.target = Target(weights, rows=1)
        self.target.forward(torch.tensor([prompt[:-1]]), 0)
        self.known = len(prompt) - 1  # places whose keys and values are kept
        self.end, self.allowed = len(prompt) + new_tokens, 2 * new_tokens
        self.tally = Tally(0, 0)

    def answer(self, question: Mapping[str, Any]) -> dict[str, list[int]]:
        """The target's choice after each token. Raises WrongAnswer for what is no question, or too large a one."""
        tokens, start = question.get("tokens"), question.get("start")
        if question.get("ask") != "forward" or not are_bytes(tokens) or not tokens:
            raise WrongAnswer("target.forward(tokens, start) takes a list of bytes, at least one")
        if len(tokens) > MOST:
            raise WrongAnswer(f"a forward was asked for {len(tokens)} tokens; it takes {MOST} at most")
        if type(start) is not int or not 0 <= start <= self.known:
            raise WrongAnswer(f"a forward was to begin at {str(start)[:20]}, and the cache ends at {self.known}")
        if start + len(tokens) > self.end:
            raise WrongAnswer(f"a forward was to reach place {start + len(tokens)}; the answer ends at {self.end}")
        self.tally = Tally(self.tally.forwards + 1, self.tally.positions + len(tokens))
        if self.tally.forwards > self.allowed:
            raise WrongAnswer(f"generate asked for {self.tally.forwards} forwards: twice as many as there are tokens")
        self.known = start + len(tokens)
        return {"next": self.target.forward(torch.tensor([tokens]), start)[0].argmax(-1).tolist()}


def converse(candidate: Candidate, weights: Weights, prompt: list[int], new_tokens: int) -> tuple[object, Tally]:
    """Answer the program's forwards until it has its tokens."""
    counted = Counted(weights, prompt, new_tokens)
    question = candidate.call("begin", prompt, new_tokens, timeout_s=CALL_SECONDS)
    while isinstance(question, dict) and question.get("ask") != "done":
        question = candidate.call("resume", counted.answer(question), timeout_s=CALL_SECONDS)
    if not isinstance(question, dict):
        raise WrongAnswer("the program must ask for forwards or hand over its tokens, as run.py does")
    return question.get("tokens"), counted.tally


def are_bytes(tokens: object) -> bool:
    return isinstance(tokens, list) and all(type(token) is int and 0 <= token < 256 for token in tokens)


def judge_tokens(weights: Weights, prompt: list[int], tokens: object, asked: int) -> tuple[bool, str]:
    """Whether each token is the target's first choice in its own context. Raises WrongAnswer unless they are bytes."""
    if not are_bytes(tokens):
        raise WrongAnswer("generate must return a list of bytes, numbers from 0 to 255")
    assert isinstance(tokens, list)
    if len(tokens) != asked:
        return False, f"{asked} new tokens were asked for; generate returned {len(tokens)}."
    logits = Target(weights, rows=1).forward(torch.tensor([prompt + tokens[:-1]]), 0)[0, len(prompt) - 1 :]
    short = logits.amax(-1) - logits[torch.arange(asked), torch.tensor(tokens)]
    wrong = torch.nonzero(~(short <= TIE)).flatten().tolist()
    if not wrong:
        return True, ""
    return False, f"New token {wrong[0] + 1} of {asked} is the first that is not the target's: {len(wrong)} are not."


# The target


def load_model() -> Weights:
    """The course's model in float32. Raises RuntimeError when the file is not the one that this judge was made for."""
    data = MODEL.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise RuntimeError(f"{MODEL} is not the model that this exercise was calibrated with")
    return {name: torch.from_numpy(array.astype(np.float32)) for name, array in read_safetensors(data).items()}


class Target:
    """tinylm-byte with a key-value cache for `rows` sequences of equal length."""

    def __init__(self, weights: Weights, rows: int) -> None:
        self.weights = weights
        width = weights["embed.weight"].shape[1]
        self.keys = torch.zeros(LAYERS, rows, HEADS, CONTEXT, width // HEADS)
        self.values = torch.zeros_like(self.keys)

    @torch.no_grad()
    def forward(self, ids: Tensor, start: int) -> Tensor:
        """Logits (rows, time, 256) after each of `ids` at places `start` and on; the cache is right before `start`."""
        end, weights = start + ids.shape[1], self.weights
        x = weights["embed.weight"][ids] + weights["position.weight"][start:end]
        sees = torch.arange(end) <= torch.arange(start, end)[:, None]
        for layer in range(LAYERS):
            x = self.block(layer, x, sees, start, end)
        return F.linear(F.rms_norm(x, x.shape[-1:], weights["norm.weight"], EPS), weights["embed.weight"])

    def block(self, layer: int, x: Tensor, sees: Tensor, start: int, end: int) -> Tensor:
        prefix = f"blocks.{layer}."
        w = {name.removeprefix(prefix): tensor for name, tensor in self.weights.items() if name.startswith(prefix)}
        y = F.rms_norm(x, x.shape[-1:], w["norm1.weight"], EPS)
        q, k, v = (F.linear(y, w[f"attention.{n}.weight"]).unflatten(-1, (HEADS, -1)).transpose(1, 2) for n in "qkv")
        self.keys[layer][:, :, start:end], self.values[layer][:, :, start:end] = k, v
        known = (self.keys[layer][:, :, :end], self.values[layer][:, :, :end])
        mixed = F.scaled_dot_product_attention(q, *known, attn_mask=sees)
        x = x + F.linear(mixed.transpose(1, 2).flatten(2), w["attention.o.weight"])
        y = F.rms_norm(x, x.shape[-1:], w["norm2.weight"], EPS)
        return x + F.linear(F.gelu(F.linear(y, w["mlp.up.weight"])), w["mlp.down.weight"])


def decode_greedily(weights: Weights, prompts: Array, new_tokens: int) -> Array:
    """The target's answers, (prompts, new_tokens)."""
    target, rows = Target(weights, rows=len(prompts)), torch.from_numpy(prompts)
    found = [target.forward(rows, 0)[:, -1:].argmax(-1)]
    while len(found) < new_tokens:
        found.append(target.forward(found[-1], rows.shape[1] + len(found) - 1).argmax(-1))
    return torch.cat(found, 1).numpy()


def choose(weights: Weights, prompts: Array, new_tokens: int, count: int) -> Array:
    """The `count` prompts whose answers repeat themselves least, in the order in which they were drawn."""
    different = [-count_grams(bytes(answer.tolist())) for answer in decode_greedily(weights, prompts, new_tokens)]
    return prompts[np.sort(np.argsort(different, kind="stable")[:count])]


def count_grams(answer: bytes) -> int:
    """How many different runs of GRAM bytes it has."""
    return len({answer[place : place + GRAM] for place in range(len(answer) - GRAM + 1)})


# The hidden text: modules of the standard library that the model was not trained on (scripts/course_models.py)


def draw_windows(rng: Rng, count: int, length: int) -> Array:
    """Windows of bytes, (count, length)."""
    text = np.frombuffer(b"".join(path.read_bytes() for path in held_out_files()), np.uint8)
    starts = rng.numpy().integers(0, len(text) - length, count)
    return text[starts[:, None] + np.arange(length)].astype(np.int64)


def held_out_files() -> Iterator[Path]:
    root = Path(sysconfig.get_paths()["stdlib"])
    left_out = {"site-packages", "test", "tests", "idle_test", "idlelib", "turtledemo", "__pycache__", "lib2to3"}
    for where, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - left_out)
        for path in (Path(where, name) for name in sorted(names) if name.endswith(".py")):
            if hashlib.sha256(path.relative_to(root).as_posix().encode()).digest()[0] < 16:
                yield path
