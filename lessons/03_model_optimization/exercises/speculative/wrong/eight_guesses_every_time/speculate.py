"""Eight guesses from pairs of bytes, however doubtful."""

from __future__ import annotations

from collections import Counter, defaultdict

from kit import MOST, compare

GUESSES = MOST - 1


def guess(tokens, most):
    """The byte that most often followed the last one in the text so far, again and again."""
    followers = defaultdict(Counter)
    for one, other in zip(tokens, tokens[1:]):
        followers[one][other] += 1
    guesses, last = [], tokens[-1]
    for _ in range(most):
        last = followers[last].most_common(1)[0][0] if last in followers else 32
        guesses.append(last)
    return guesses


def generate(target, prompt, new_tokens):
    """The `new_tokens` bytes that the target puts first after the prompt, each in its turn."""
    tokens, end = list(prompt), len(prompt) + new_tokens
    while len(tokens) < end:
        sure = len(tokens) - 1
        # The forward adds one token of its own, so one guess less than what is missing is enough.
        guesses = guess(tokens, min(GUESSES, end - len(tokens) - 1))
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
