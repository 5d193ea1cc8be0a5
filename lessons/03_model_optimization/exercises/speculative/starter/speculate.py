"""Greedy decoding, one forward for each token. Let each forward judge several guesses, and change no token.

Run this file (`python speculate.py`) to compare your function with greedy decoding on a toy target.
"""

from __future__ import annotations

from kit import compare


def generate(target, prompt, new_tokens):
    """The `new_tokens` bytes that the target puts first after the prompt, each in its turn.

    target.forward(tokens, start): puts up to nine tokens at places start, start + 1, … and returns a list of as many:
    what the target says next after each of them. All places before the prompt's last token are there already.
    """
    tokens = list(prompt)
    for _ in range(new_tokens):
        sure = len(tokens) - 1  # the place of the last token: the target has not read it yet
        tokens += target.forward([tokens[sure]], sure)
    return tokens[len(prompt) :]


if __name__ == "__main__":
    compare(generate)
