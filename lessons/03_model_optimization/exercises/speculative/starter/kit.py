"""Text to count, and a toy target to decode with at home. Read it; a submission cannot change it."""

from __future__ import annotations

import sysconfig
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

MOST = 9  # tokens in one forward: the last one that you are sure of, and eight guesses
LEFT_OUT = {"site-packages", "test", "tests", "idle_test", "idlelib", "turtledemo", "lib2to3"}


def text(size: int = 2_000_000) -> bytes:
    """About `size` bytes of what the target was trained on: every so many-th module of the standard library."""
    root = Path(sysconfig.get_paths()["stdlib"])
    modules = [path for path in sorted(root.rglob("*.py")) if LEFT_OUT.isdisjoint(path.relative_to(root).parts)]
    every = max(1, round(sum(path.stat().st_size for path in modules) / size))
    return b"".join(path.read_bytes() for path in modules[::every])


class ToyTarget:
    """The judge's target has 1.9 million weights; this one is a table of what followed six bytes.

    It has the same interface and the same cache, so it shows whether your loop is right. How many guesses of yours
    come true with the real one, it does not show.
    """

    ORDER = 6

    def __init__(self, source: bytes) -> None:
        counts: dict[bytes, Counter[int]] = defaultdict(Counter)
        for place in range(len(source) - self.ORDER):
            counts[source[place : place + self.ORDER]][source[place + self.ORDER]] += 1
        self.table = {key: found.most_common(1)[0][0] for key, found in counts.items()}
        self.cache: list[int] = []
        self.forwards = self.positions = 0

    def forward(self, tokens: list[int], start: int) -> list[int]:
        """Put tokens at places start, start + 1, …; return what comes after each. Later places are forgotten."""
        if not 0 < len(tokens) <= MOST or not 0 <= start <= len(self.cache):
            raise ValueError(f"{len(tokens)} tokens at {start}: 1 to {MOST}, and the cache ends at {len(self.cache)}")
        self.forwards, self.positions = self.forwards + 1, self.positions + len(tokens)
        self.cache[start:] = tokens
        return [self.after(bytes(self.cache[: start + number + 1])) for number in range(len(tokens))]

    def after(self, seen: bytes) -> int:
        return self.table.get(seen[-self.ORDER :], 97 + sum(seen[-3:]) % 26)


def greedy(target: ToyTarget, prompt: list[int], new_tokens: int) -> list[int]:
    """One token for each forward: what speculation must not change."""
    tokens = list(prompt)
    for _ in range(new_tokens):
        tokens += target.forward(tokens[-1:], len(tokens) - 1)
    return tokens[len(prompt) :]


def compare(generate: Callable[[ToyTarget, list[int], int], list[int]], new_tokens: int = 48) -> None:
    """Print whether the tokens are greedy decoding's, and what they took."""
    source = text(500_000)
    target = ToyTarget(source)
    for number in range(6):
        place = (number + 1) * len(source) // 8
        prompt = list(source[place : place + 128])
        target.cache = prompt[:-1]  # as the judge leaves it: all but the last token of the prompt
        wanted = greedy(target, prompt, new_tokens)
        target.cache, target.forwards, target.positions = prompt[:-1], 0, 0
        found = generate(target, list(prompt), new_tokens)
        says = "the same" if list(found) == wanted else "OTHER TOKENS"
        forwards, positions = target.forwards / new_tokens, target.positions / new_tokens
        print(f"prompt {number}: {says}, {forwards:.2f} forwards and {positions:.2f} positions a token")
