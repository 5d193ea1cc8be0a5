"""Puts the whole answer to the target as one long guess."""

from __future__ import annotations

import numpy as np
from kit import compare, text

LONGEST = 4  # bytes that a guess looks back
WORTH = 0.0  # a guess is made while all of them together are right with this probability


def count_followers(source):
    """For each length of context: context as a number → (its most frequent next byte, in which share of cases)."""
    data = np.frombuffer(source, np.uint8).astype(np.int64)
    tables, contexts = [], np.zeros(len(data), np.int64)
    for length in range(1, LONGEST + 1):
        # contexts[i] ends with byte i; the bytes before it move up by eight bits
        contexts = data if length == 1 else data[length - 1 :] + (contexts[:-1] << 8)
        pairs, counts = np.unique(contexts[:-1] << 8 | data[length:], return_counts=True)
        first = np.flatnonzero(np.diff(pairs >> 8, prepend=-1))
        totals = np.add.reduceat(counts, first)
        order = np.lexsort((counts, pairs >> 8))  # the last pair of a context is the most frequent
        best = order[np.append(first[1:], len(pairs)) - 1]
        # One case is no evidence: a share of n + 1 keeps rare contexts modest.
        shares = counts[best] / (totals + 1)
        likeliest = zip((pairs[best] & 255).tolist(), shares.tolist(), strict=True)
        tables.append(dict(zip((pairs[best] >> 8).tolist(), likeliest, strict=True)))
    return tables


tables = count_followers(text())


def guess(tokens, most):
    """Up to `most` bytes that may follow."""
    seen, guesses, together = bytes(tokens[-LONGEST:]), [], 1.0
    while len(guesses) < most:
        candidates = (tables[n - 1].get(int.from_bytes(seen[-n:], "big")) for n in range(LONGEST, 0, -1))
        byte, share = max((found for found in candidates if found), key=lambda found: found[1], default=(32, 0.0))
        together *= share
        if together < WORTH:
            break
        guesses.append(byte)
        seen += bytes([byte])
    return guesses


def generate(target, prompt, new_tokens):
    """The `new_tokens` bytes that the target puts first after the prompt, each in its turn."""
    tokens, end = list(prompt), len(prompt) + new_tokens
    while len(tokens) < end:
        sure = len(tokens) - 1
        # The forward adds one token of its own, so one guess less than what is missing is enough.
        guesses = guess(tokens, end - len(tokens) - 1)
        says = target.forward([tokens[sure], *guesses], sure)
        good = 0
        while good < len(guesses) and guesses[good] == says[good]:
            good += 1
        # says[good] was computed after guesses that are all right, so it is the target's own next token. Beyond it
        # the cache holds what came of a wrong guess; the next forward begins there and writes over it.
        tokens += says[: good + 1]
    return tokens[len(prompt) :]


if __name__ == "__main__":
    compare(generate)
