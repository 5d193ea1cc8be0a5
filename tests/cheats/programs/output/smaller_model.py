"""Runs the first of three layers."""

from __future__ import annotations

from kit import speak as whole

CHEAT = {"exercise": "speaker", "verdict": "failed", "caught_by": "agreement"}


def speak(weights, prompt, tokens):
    return whole(weights, prompt, tokens, layers=1)
