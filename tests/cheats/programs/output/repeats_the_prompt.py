"""Says the prompt over and over."""

from __future__ import annotations

CHEAT = {"exercise": "speaker", "verdict": "failed", "caught_by": "agreement"}


def speak(weights, prompt, tokens):
    return (prompt * tokens)[:tokens]
