"""Write the text that the reference would write, at least five times as fast.

Run this file (`python engine.py`) to compare speed and text with the reference.
"""

from __future__ import annotations

import numpy as np

import kit

state = {}


def prepare(weights: dict[str, np.ndarray]) -> None:
    """Called once, before the clock: float32 weights by name, as kit.py lists them."""
    state["weights"] = kit.to_tensors(weights)


def generate(prompt: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """prompt: (P,) uint8. noise: (N, 256) float32. Returns N bytes, uint8.

    Byte n is the argmax of the model's logits after everything before it, plus noise[n].
    """
    return kit.generate_naively(state["weights"], prompt, noise)


if __name__ == "__main__":
    kit.try_it(prepare, generate)
