"""One step of the model."""

from __future__ import annotations

import numpy as np


def step(weights, said, layers=None):
    state = weights["embedding"][said[-4:]].mean(axis=0)
    for layer in weights["layers"][:layers]:
        state = state + np.tanh(layer @ state)
    return int((weights["embedding"] @ state).argmax())


def speak(weights, prompt, tokens, layers=None):
    said = list(prompt)
    for _ in range(tokens):
        said.append(step(weights, said, layers))
    return said[len(prompt) :]
