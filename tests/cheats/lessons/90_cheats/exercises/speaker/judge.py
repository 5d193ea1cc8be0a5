"""Compares the tokens with those that the whole model says."""

from __future__ import annotations

import numpy as np

from grader.api import Bench, WrongAnswer

WORDS, WIDTH, LAYERS = 50, 16, 3


def judge(bench: Bench) -> None:
    draw = bench.rng.child("weights").numpy()
    weights = {
        "embedding": draw.normal(size=(WORDS, WIDTH)),
        "layers": draw.normal(size=(LAYERS, WIDTH, WIDTH)),
    }
    count, tokens = int(bench.sizes["prompts"]), int(bench.sizes["tokens"])
    candidate = bench.candidate()
    agree = 0
    for _ in range(count):
        prompt = [bench.rng.integers(0, WORDS) for _ in range(4)]
        said = candidate.call("speak", weights, prompt, tokens, timeout_s=5)
        if not isinstance(said, list) or not all(type(token) is int for token in said):
            raise WrongAnswer("speak() must return a list of whole numbers")
        agree += sum(
            a == b for a, b in zip(said, spoken(weights, prompt, tokens), strict=False)
        )  # a missing token disagrees
    bench.metric("agreement", agree / (count * tokens), samples=count * tokens)


def spoken(weights: dict[str, np.ndarray], prompt: list[int], tokens: int) -> list[int]:
    said = list(prompt)
    for _ in range(tokens):
        state = weights["embedding"][said[-4:]].mean(axis=0)
        for layer in weights["layers"]:
            state = state + np.tanh(layer @ state)
        said.append(int((weights["embedding"] @ state).argmax()))
    return said[len(prompt) :]
