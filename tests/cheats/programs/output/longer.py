"""Says every token of the vocabulary, so that the right ones are among them."""

from __future__ import annotations

CHEAT = {"exercise": "speaker", "verdict": "failed", "caught_by": "agreement"}


def speak(weights, prompt, tokens):
    return list(range(50)) * tokens
