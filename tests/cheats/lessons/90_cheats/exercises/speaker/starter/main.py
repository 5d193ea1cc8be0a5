from __future__ import annotations


def speak(weights, prompt, tokens):
    return []
