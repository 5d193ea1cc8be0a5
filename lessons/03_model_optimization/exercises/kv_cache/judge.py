"""Counts positions on a model whose weights never leave the judge, then clocks the program on one that it has.

Counting: the program's `generate` runs in its box, but each operation of the model is a question to us. A position that
was not asked for was not computed, whatever the program says. Clocking: the same `generate`, with the weights beside
it, takes turns with the starter. Every answer of both is checked by one pass of our own over prompt and answer.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from grader.api import Bench, Candidate, Rng, WrongAnswer, measures

SMALL = {"layers": 2, "heads": 2, "width": 32, "vocabulary": 64}
SMALL_PROMPT, SMALL_NEW = (9, 16), (14, 22)  # drawn from these ranges
HEAD_WIDTH = 64
BASE, LONGEST = 10_000.0, 512
GAINS = {"embed": 8.0, "head": 4.0, "qkv": 2.0, "out": 3.0, "up": 1.0, "down": 1.0}
TIE = 2e-3  # logits of a spread of 4: float32 sums in another order differ by 1e-5
CALL_SECONDS = 30.0

Array = Any  # numpy.ndarray, without asking the annotation to run


def judge(bench: Bench) -> None:
    if count_positions(bench):
        clock(bench)


class Model:
    """The learner's model.py in numpy, with attention."""

    def __init__(self, config: dict[str, int], rng: Rng) -> None:
        self.config, self.heads = config, config["heads"]
        draw = rng.numpy()
        self.weights = {
            name: draw.standard_normal(shape, dtype=np.float32) * gain(name, shape)
            for name, shape in shapes(config).items()
        }

    def embed(self, tokens: Array) -> Array:
        return self.weights["embed"][tokens]

    def qkv(self, layer: int, x: Array, positions: Array) -> tuple[Array, Array, Array]:
        projected = normed(x) @ self.weights[f"{layer}.qkv"].T
        q, k, v = projected.reshape(len(x), 3, self.heads, -1).transpose(1, 2, 0, 3)
        return rotated(q, positions), rotated(k, positions), np.ascontiguousarray(v)

    def mix(self, layer: int, x: Array, attended: Array) -> Array:
        x = x + attended.transpose(1, 0, 2).reshape(len(x), -1) @ self.weights[f"{layer}.out"].T
        hidden = np.maximum(normed(x) @ self.weights[f"{layer}.up"].T, 0) ** 2
        return x + hidden @ self.weights[f"{layer}.down"].T

    def logits(self, x: Array) -> Array:
        return normed(x) @ self.weights["head"].T

    def all_logits(self, tokens: list[int]) -> Array:
        """(T, V): after each position of a sequence, in one causal pass."""
        positions = np.arange(len(tokens))
        x = self.embed(np.array(tokens))
        for layer in range(self.config["layers"]):
            x = self.mix(layer, x, attended(*self.qkv(layer, x, positions)))
        return self.logits(x)


class Counted:
    """Answers a program that has no weights, and counts the positions of each operation."""

    def __init__(self, model: Model, most: int) -> None:
        self.model, self.most = model, most
        self.rows: Counter[str] = Counter()

    def answer(self, question: dict[str, Any]) -> dict[str, Array]:
        """Raises WrongAnswer for what is no question, and for more positions than recomputing everything takes."""
        width, heads = self.model.config["width"], self.model.heads
        name, layer = question.get("ask"), question.get("layer", 0)
        if type(layer) is not int or not 0 <= layer < self.model.config["layers"]:
            raise WrongAnswer("a question was about a layer that the model does not have")
        if name == "embed":
            tokens = whole(question.get("tokens"), self.model.config["vocabulary"], "tokens")
            self.count("embed", len(tokens))
            return {"x": self.model.embed(tokens)}
        x = floats(question.get("x"), (None, width), "x")
        if name == "logits":
            self.count("logits", len(x))
            return {"logits": self.model.logits(x)}
        self.count(f"{name} of layer {layer}", len(x))
        if name == "qkv":
            positions = whole(question.get("positions"), LONGEST, "positions")
            if len(positions) != len(x):
                raise WrongAnswer(f"qkv got {len(x)} rows and {len(positions)} positions")
            return dict(zip("qkv", self.model.qkv(layer, x, positions), strict=True))
        if name == "mix":
            attended = floats(question.get("attended"), (heads, len(x), width // heads), "attended")
            return {"x": self.model.mix(layer, x, attended)}
        raise WrongAnswer("the program must ask for embed, qkv, mix or logits, as run.py does")

    def count(self, operation: str, rows: int) -> None:
        self.rows[operation] += rows
        asked = self.rows[operation]
        if not rows or asked > self.most:
            raise WrongAnswer(f"{operation} was asked for {asked} positions: none, or more than the starter asks for")

    def busiest(self) -> int:
        """The head's rows are not counted: nothing has to be remembered for them."""
        return max(rows for operation, rows in self.rows.items() if operation != "logits")


def count_positions(bench: Bench) -> bool:
    """Report `positions_per_token` and whether the tokens were right."""
    candidate, rng = bench.candidate(), bench.rng.child("counted")
    extra = new = 0
    for number in range(int(bench.sizes["counted"])):
        bench.progress("counting positions on a model that only the judge has", number / int(bench.sizes["counted"]))
        model = Model(SMALL, rng.child(f"model-{number}"))
        prompt = draw_prompt(rng, SMALL, rng.integers(*SMALL_PROMPT))
        asked = rng.integers(*SMALL_NEW)
        tokens, counted = converse(candidate, model, prompt, asked)
        if not same_tokens(bench, model, prompt, tokens, asked):
            return False
        extra, new = extra + max(0, counted.busiest() - len(prompt)), new + asked
    bench.metric("positions_per_token", extra / new, samples=new)
    return True


def converse(candidate: Candidate, model: Model, prompt: list[int], new_tokens: int) -> tuple[object, Counted]:
    """Answer the program's questions until it has its tokens."""
    counted = Counted(model, most=(len(prompt) + new_tokens) * (new_tokens + 1))
    question = candidate.call("begin", model.config, prompt, new_tokens, timeout_s=CALL_SECONDS)
    while isinstance(question, dict) and question.get("ask") != "done":
        question = candidate.call("resume", counted.answer(question), timeout_s=CALL_SECONDS)
    if not isinstance(question, dict) or not counted.rows:
        raise WrongAnswer("generate returned tokens without asking the model for anything")
    return question.get("tokens"), counted


def clock(bench: Bench) -> None:
    """Report `speedup`. Weights come in the first turn of each side: a median forgets it, for both sides alike."""
    sizes = {name: int(value) for name, value in bench.sizes.items()}
    config = {name: sizes[name] for name in ("width", "layers", "vocabulary")} | {"heads": sizes["width"] // HEAD_WIDTH}
    rng, rounds, new_tokens = bench.rng.child("timed"), sizes["rounds"], sizes["new_tokens"]
    model = Model(config, rng.child("model"))
    prompts = [draw_prompt(rng, config, sizes["prompt"]) for _ in range(2 * rounds)]
    checked: set[tuple[int, ...]] = set()  # answers that are right, with their prompts: our own need no second look

    def turn(program: Candidate, number: int) -> None:
        bench.progress("taking turns with the starter", number / rounds)
        if number == 0:
            program.call("load", config, model.weights, timeout_s=CALL_SECONDS)
        prompt = prompts[number]
        tokens = program.call("generate", prompt, new_tokens, timeout_s=CALL_SECONDS)
        key = (*prompt, *tokens) if isinstance(tokens, list) and all(type(t) is int for t in tokens) else ()
        if key not in checked and same_tokens(bench, model, prompt, tokens, new_tokens):
            checked.add(key)

    plan = measures.Interleaving(bench.rng.child("turns"), min_pairs=rounds, max_pairs=2 * rounds, target_width=0.3)
    bench.metric("speedup", measures.cpu_ratio(bench.interleave("starter", turn, plan), "speedup"))


def same_tokens(bench: Bench, model: Model, prompt: list[int], tokens: object, asked: int) -> bool:
    """Check each token against the logits of one causal pass over prompt and answer: its own context decides."""
    ok, feedback = judge_tokens(model, prompt, tokens, asked)
    bench.check("same_tokens", ok, feedback)
    return ok


def judge_tokens(model: Model, prompt: list[int], tokens: object, asked: int) -> tuple[bool, str]:
    """Raises WrongAnswer unless they are whole numbers of the vocabulary."""
    vocabulary = model.config["vocabulary"]
    if not isinstance(tokens, list) or any(type(token) is not int or not 0 <= token < vocabulary for token in tokens):
        raise WrongAnswer("generate must return a list of token ids")
    if len(tokens) != asked:
        return False, f"{asked} new tokens were asked for; generate returned {len(tokens)}."
    logits = model.all_logits(prompt + tokens[:-1])[len(prompt) - 1 :]
    short = logits.max(axis=1) - logits[np.arange(asked), tokens]
    wrong = np.flatnonzero(~(short <= TIE))
    if not len(wrong):
        return True, ""
    return False, f"New token {wrong[0] + 1} of {asked} is the first that is not the model's: {len(wrong)} are not."


def draw_prompt(rng: Rng, config: dict[str, int], length: int) -> list[int]:
    return [rng.integers(0, config["vocabulary"]) for _ in range(length)]


def shapes(config: dict[str, int]) -> dict[str, tuple[int, int]]:
    width = config["width"]
    found = {"embed": (config["vocabulary"], width), "head": (config["vocabulary"], width)}
    for layer in range(config["layers"]):
        found |= {f"{layer}.qkv": (3 * width, width), f"{layer}.out": (width, width)}
        found |= {f"{layer}.up": (4 * width, width), f"{layer}.down": (width, 4 * width)}
    return found


def gain(name: str, shape: tuple[int, int]) -> Any:
    """Chosen so that the next token hangs on the whole context, and does not repeat soon."""
    return np.float32(GAINS[name.split(".")[-1]] / shape[1] ** 0.5)


def normed(x: Array) -> Array:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(1e-6))


def rotated(x: Array, positions: Array) -> Array:
    half = x.shape[-1] // 2
    angles = positions[:, None] * BASE ** (-np.arange(half) / half)
    cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    first, second = x[..., :half], x[..., half:]
    return np.concatenate((first * cos - second * sin, second * cos + first * sin), -1)


def attended(q: Array, k: Array, v: Array) -> Array:
    """Causal attention of (H, T, D)."""
    scores = q @ k.transpose(0, 2, 1) / np.float32(q.shape[-1] ** 0.5)
    scores = np.where(np.tri(len(scores[0]), dtype=bool), scores, np.float32(-np.inf))
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return (powers / powers.sum(-1, keepdims=True)) @ v


def whole(value: object, end: int, name: str) -> Array:
    """Raises WrongAnswer unless it is a vector of whole numbers from 0 to end - 1."""
    fits = isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iu"
    if not fits or (value.size and not 0 <= int(value.min()) <= int(value.max()) < end):
        raise WrongAnswer(f"{name} must be a vector of whole numbers from 0 to {end - 1}")
    return value.astype(np.int64)


def floats(value: object, shape: tuple[int | None, ...], name: str) -> Array:
    """Raises WrongAnswer unless it is float32 of this shape (None: any length), and finite."""
    fits = isinstance(value, np.ndarray) and value.dtype == np.float32 and value.ndim == len(shape)
    if not fits or any(want not in (None, have) for want, have in zip(shape, value.shape, strict=True)):
        raise WrongAnswer(f"{name} must be float32 of shape {tuple('any' if one is None else one for one in shape)}")
    if not np.isfinite(value).all():
        raise WrongAnswer(f"{name} is not finite")
    return value
