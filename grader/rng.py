"""Randomness that a learner cannot predict: HMAC-SHA256 in counter mode, keyed by the run's secret.

A generator like Mersenne twister gives its state away after enough outputs; here an output tells nothing about another.
The same secret and the same calls give the same values on every machine. Standard library only.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy

T = TypeVar("T")

_BLOCK = hashlib.sha256().digest_size


class Rng:
    """A stream of random values. `child(name)` gives an independent stream, whatever the parent has drawn."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counter = 0
        self._buffer = b""

    @classmethod
    def from_seed(cls, seed: int, *context: str) -> Rng:
        """A generator for this seed and context (for instance exercise and tier)."""
        text = "\0".join(["rankzero", str(seed), *context])
        return cls(hashlib.sha256(text.encode()).digest())

    def child(self, name: str) -> Rng:
        return Rng(hmac.digest(self._key, b"child\0" + name.encode(), "sha256"))

    def bytes(self, n: int) -> bytes:
        """`n` random bytes."""
        if n < 0:
            raise ValueError("the number of bytes must not be negative")
        blocks = [self._buffer]
        have = len(self._buffer)
        while have < n:
            blocks.append(hmac.digest(self._key, b"block\0" + self._counter.to_bytes(16, "big"), "sha256"))
            self._counter += 1
            have += _BLOCK
        data = b"".join(blocks)
        self._buffer = data[n:]
        return data[:n]

    def random(self) -> float:
        """Uniform in [0, 1), 53 bits."""
        return (int.from_bytes(self.bytes(7), "big") >> 3) / (1 << 53)

    def integers(self, low: int, high: int) -> int:
        """Uniform whole number with low ≤ x < high, without modulo bias."""
        span = high - low
        if span <= 0:
            raise ValueError(f"integers({low}, {high}): the range is empty")
        bits = (span - 1).bit_length()
        size = (bits + 7) // 8
        while True:
            value = int.from_bytes(self.bytes(size), "big") >> (8 * size - bits)
            if value < span:
                return low + value

    def choice(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.integers(0, len(items))]

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """`k` different positions' items, in random order."""
        if not 0 <= k <= len(items):
            raise ValueError(f"cannot take {k} of {len(items)} items")
        pool = list(items)
        self.shuffle(pool)
        return pool[:k]

    def shuffle(self, items: list[T]) -> None:
        """Fisher-Yates, in place."""
        for i in range(len(items) - 1, 0, -1):
            j = self.integers(0, i + 1)
            items[i], items[j] = items[j], items[i]

    def normal(self, mean: float = 0.0, sd: float = 1.0) -> float:
        """Gaussian, by Box-Muller."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.random()))
        return mean + sd * radius * math.cos(2.0 * math.pi * self.random())

    def numpy(self) -> numpy.random.Generator:
        """A numpy Generator keyed by this stream, for bulk draws: Philox with a 128-bit secret key.

        Each call gives another generator.
        """
        import numpy as np

        return np.random.Generator(np.random.Philox(key=int.from_bytes(self.bytes(16), "big")))
