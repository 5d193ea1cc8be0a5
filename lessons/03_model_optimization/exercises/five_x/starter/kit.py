"""The model and how it is sampled. Read it; a submission cannot change it.

Shapes: T positions, D = 192 features, H = 4 heads of 48, V = 256 bytes. Weights are a dict of tensors:

    embed.weight (V, D)       the embedding, and the output head
    position.weight (256, D)  one vector for each position, counted from the start of the prompt
    norm.weight (D,)          the gain of the last norm
    blocks.N.norm1.weight (D,), blocks.N.attention.{q,k,v,o}.weight (D, D),
    blocks.N.norm2.weight (D,), blocks.N.mlp.up.weight (4 D, D), blocks.N.mlp.down.weight (D, 4 D)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

LAYERS, HEADS, WIDTH, CONTEXT, EPS = 4, 4, 192, 256, 1e-5
TEMPERATURE = 0.8

torch.set_num_threads(1)


def to_tensors(weights: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """What `prepare` gets, as tensors."""
    return {name: torch.from_numpy(np.ascontiguousarray(weight)) for name, weight in weights.items()}


def logits(weights: dict[str, Tensor], ids: Tensor) -> Tensor:
    """ids (T,) → logits of the next byte after each position, (T, V)."""
    x = weights["embed.weight"][ids] + weights["position.weight"][: len(ids)]
    for layer in range(LAYERS):
        w = {name.removeprefix(f"blocks.{layer}."): weight for name, weight in weights.items()}
        y = F.rms_norm(x, (WIDTH,), w["norm1.weight"], EPS)
        q, k, v = (F.linear(y, w[f"attention.{n}.weight"]).unflatten(-1, (HEADS, -1)).transpose(0, 1) for n in "qkv")
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.linear(mixed.transpose(0, 1).flatten(1), w["attention.o.weight"])
        y = F.rms_norm(x, (WIDTH,), w["norm2.weight"], EPS)
        x = x + F.linear(F.gelu(F.linear(y, w["mlp.up.weight"])), w["mlp.down.weight"])
    return F.linear(F.rms_norm(x, (WIDTH,), weights["norm.weight"], EPS), weights["embed.weight"])


@torch.inference_mode()
def generate_naively(weights: dict[str, Tensor], prompt: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The reference: for each new byte, the whole text so far through the whole model."""
    ids = torch.from_numpy(prompt.astype(np.int64))
    for row in torch.from_numpy(noise):
        token = (logits(weights, ids)[-1] + row).argmax()
        ids = torch.cat([ids, token[None]])
    return ids[len(prompt) :].numpy().astype(np.uint8)


# To try it without the judge


def example_weights(seed: int = 1) -> dict[str, np.ndarray]:
    """Random weights in the model's shapes: right for speed and for comparing outputs, good for no text."""
    rng = np.random.default_rng(seed)
    shapes = {"embed.weight": (256, WIDTH), "position.weight": (CONTEXT, WIDTH), "norm.weight": (WIDTH,)}
    for layer in range(LAYERS):
        block = {f"attention.{n}.weight": (WIDTH, WIDTH) for n in "qkvo"}
        block |= {"mlp.up.weight": (4 * WIDTH, WIDTH), "mlp.down.weight": (WIDTH, 4 * WIDTH)}
        block |= {"norm1.weight": (WIDTH,), "norm2.weight": (WIDTH,)}
        shapes |= {f"blocks.{layer}.{name}": shape for name, shape in block.items()}
    draw = {name: rng.normal(0, shape[-1] ** -0.5, shape) for name, shape in shapes.items()}
    draw |= {name: np.ones(shape) for name, shape in shapes.items() if len(shape) == 1}
    return {name: weight.astype(np.float32) for name, weight in draw.items()}


def load_weights() -> dict[str, np.ndarray]:
    """The real ones where the course's files are at hand (lessons/models), else random ones."""
    for folder in Path(__file__).resolve().parents:
        file = folder / "models" / "tinylm-byte.safetensors"
        if file.exists():
            from safetensors.numpy import load_file

            return {name: weight.astype(np.float32) for name, weight in load_file(file).items()}
    return example_weights()


def draw_noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """Gumbel noise for `count` bytes at TEMPERATURE: argmax(logits + noise) is a sample from softmax(logits / T)."""
    return (TEMPERATURE * rng.gumbel(size=(count, 256))).astype(np.float32)


def try_it(prepare: Callable, generate: Callable, prompt: int = 64, new: int = 128, rounds: int = 3) -> None:
    """Print speed-up and agreement on prompts of your own."""
    weights = load_weights()
    tensors, rng = to_tensors(weights), np.random.default_rng()
    prepare(weights)
    for number in range(rounds + 1):
        text = rng.choice(np.frombuffer(b"def self(): return None\n    ", np.uint8), prompt)
        noise = draw_noise(rng, new)
        began = time.process_time()
        ours = generate_naively(tensors, text, noise)
        middle = time.process_time()
        yours = np.asarray(generate(text.copy(), noise.copy()))
        naive_s, your_s = middle - began, time.process_time() - middle
        differ = np.flatnonzero(ours != yours)
        first = f"the first difference is at byte {differ[0]}" if len(differ) else "the same text"
        if number:  # the first round is a warm-up
            print(f"naive {naive_s:6.3f} s   yours {your_s:6.3f} s   {naive_s / your_s:5.1f}x   {first}")
