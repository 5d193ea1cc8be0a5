"""Says the same token always."""

from __future__ import annotations

CHEAT = {"exercise": "speaker", "verdict": "failed", "caught_by": "agreement"}


def speak(weights, prompt, tokens):
    return [7] * tokens
