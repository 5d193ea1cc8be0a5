"""Trains the small models that the course ships, and checks that a shipped file is the one that is listed.

    .venv-lab/bin/python -m scripts.course_models train tinylm-byte --cpu-seconds 480
    .venv-lab/bin/python -m scripts.course_models check

A model reads bytes and is trained on Python's standard library, whose text is on every machine that runs the course;
the files of `held_out` are never trained on, so they are hidden text for judges. `lessons/models/models.toml` lists
each file with its sha256. Training again gives a model as good, not the same bytes: machines differ in arithmetic.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import sysconfig
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parent.parent / "lessons" / "models"
LIST = FOLDER / "models.toml"
LEFT_OUT = {"site-packages", "test", "tests", "idle_test", "idlelib", "turtledemo", "__pycache__", "lib2to3"}
HELD_OUT = 16  # of 256: files whose hashed name begins with a smaller byte
EPS = 1e-5

Weights = dict[str, Any]  # name → torch.Tensor


class Shape(NamedTuple):
    """Of a decoder with learned positions, RMS norms without biases, and an output head that is the embedding."""

    width: int
    layers: int
    heads: int
    context: int
    vocabulary: int = 256


SHAPES = {"tinylm-byte": Shape(width=192, layers=4, heads=4, context=256)}
BATCH = 8


# The text


def standard_library() -> dict[str, bytes]:
    """Relative path → text of each module of Python's standard library, without its tests."""
    root = Path(sysconfig.get_paths()["stdlib"])
    paths = (path.relative_to(root) for path in sorted(root.rglob("*.py")))
    return {path.as_posix(): (root / path).read_bytes() for path in paths if LEFT_OUT.isdisjoint(path.parts)}


def is_held_out(path: str) -> bool:
    """By name alone, so that no window of a held-out file is ever in the training text."""
    return hashlib.sha256(path.encode()).digest()[0] < HELD_OUT


def split(files: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """Training text and held-out text."""
    train = b"".join(text for path, text in files.items() if not is_held_out(path))
    return train, b"".join(text for path, text in files.items() if is_held_out(path))


# The model


def draw_weights(shape: Shape) -> Weights:
    """As they are before training. What writes to the residual stream starts at zero: the model starts as its head."""
    import torch

    d = shape.width
    weights = {
        "embed.weight": 0.05 * torch.randn(shape.vocabulary, d),
        "position.weight": 0.01 * torch.randn(shape.context, d),
        "norm.weight": torch.ones(d),
    }
    for layer in range(shape.layers):
        block = {f"attention.{name}.weight": torch.randn(d, d) / math.sqrt(d) for name in "qkv"}
        block |= {"attention.o.weight": torch.zeros(d, d), "mlp.down.weight": torch.zeros(d, 4 * d)}
        block |= {"mlp.up.weight": torch.randn(4 * d, d) / math.sqrt(d)}
        block |= {"norm1.weight": torch.ones(d), "norm2.weight": torch.ones(d)}
        weights |= {f"blocks.{layer}.{name}": weight for name, weight in block.items()}
    return weights


def forward(weights: Weights, ids: Any, shape: Shape) -> Any:
    """Logits of the next byte at each position: (batch, time) → (batch, time, 256)."""
    from torch.nn import functional

    x = weights["embed.weight"][ids] + weights["position.weight"][: ids.shape[1]]
    for layer in range(shape.layers):
        w = {name: weights[f"blocks.{layer}.{name}.weight"] for name in BLOCK}
        y = functional.rms_norm(x, x.shape[-1:], w["norm1"], EPS)
        q, k, v = (
            functional.linear(y, w[f"attention.{n}"]).unflatten(-1, (shape.heads, -1)).transpose(1, 2) for n in "qkv"
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + functional.linear(mixed.transpose(1, 2).flatten(2), w["attention.o"])
        y = functional.rms_norm(x, x.shape[-1:], w["norm2"], EPS)
        x = x + functional.linear(functional.gelu(functional.linear(y, w["mlp.up"])), w["mlp.down"])
    return functional.linear(functional.rms_norm(x, x.shape[-1:], weights["norm.weight"], EPS), weights["embed.weight"])


BLOCK = ("norm1", "attention.q", "attention.k", "attention.v", "attention.o", "norm2", "mlp.up", "mlp.down")


# Training


def train(shape: Shape, text: bytes, cpu_seconds: float, wall_seconds: float) -> Weights:
    """Muon for the matrices of the blocks, AdamW for the rest; the rates fall to zero over the last half."""
    import torch
    from torch.nn import functional

    torch.manual_seed(0)
    data = torch.frombuffer(bytearray(text), dtype=torch.uint8)
    weights = {name: weight.requires_grad_() for name, weight in draw_weights(shape).items()}
    matrices = [weight for name, weight in weights.items() if name.startswith("blocks.") and weight.ndim == 2]
    rest = [weight for weight in weights.values() if not any(weight is matrix for matrix in matrices)]
    optimizers = [
        torch.optim.Muon(matrices, lr=0.02, momentum=0.95, weight_decay=0.01),
        torch.optim.AdamW(rest, lr=3e-3, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    rates = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    began, began_cpu, step, done = time.monotonic(), time.process_time(), 0, 0.0
    while done < 1:
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / 40, 2 * (1 - done))
        starts = torch.randint(len(data) - shape.context - 1, (BATCH, 1))
        windows = data[starts + torch.arange(shape.context + 1)].long()
        with torch.autocast("cpu", torch.bfloat16):
            logits = forward(weights, windows[:, :-1], shape)
        loss = functional.cross_entropy(logits.float().flatten(0, 1), windows[:, 1:].flatten())
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if step % 50 == 0:
            used = time.process_time() - began_cpu
            say(f"step {step}, {loss.item() / math.log(2):.3f} bits per byte, {used:.0f} CPU-s")
        step += 1
        done = max((time.process_time() - began_cpu) / cpu_seconds, (time.monotonic() - began) / wall_seconds)
    say(f"{step} steps of {BATCH * shape.context} bytes")
    return {name: weight.detach() for name, weight in weights.items()}


def bits_per_byte(weights: Weights, shape: Shape, text: bytes, windows: int = 128) -> float:
    """On evenly spaced windows of the text."""
    import torch
    from torch.nn import functional

    stride = (len(text) - shape.context - 1) // windows
    rows = [list(text[n * stride : n * stride + shape.context + 1]) for n in range(windows)]
    ids = torch.tensor(rows)
    with torch.no_grad():
        losses = [
            functional.cross_entropy(forward(weights, part[:, :-1], shape).flatten(0, 1), part[:, 1:].flatten()).item()
            for part in ids.split(BATCH)
        ]
    return float(sum(losses) / len(losses) / math.log(2))


# Files


def save(name: str, weights: Weights) -> Path:
    from safetensors.torch import save_file

    path = FOLDER / f"{name}.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file({key: weight.half().contiguous() for key, weight in sorted(weights.items())}, path)
    path.chmod(0o644)  # boxes run as another user
    return path


def find_faults() -> list[str]:
    """What is wrong with the shipped files: missing, not listed, or not the listed bytes."""
    listed = {entry["file"]: entry for entry in tomllib.loads(LIST.read_text())["model"]}
    there = {path.name for path in FOLDER.glob("*.safetensors")}
    faults = [f"{name} is listed and missing" for name in sorted(listed.keys() - there)]
    faults += [f"{name} is not listed" for name in sorted(there - listed.keys())]
    for name in sorted(there & listed.keys()):
        digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
        if digest != listed[name]["sha256"]:
            faults.append(f"{name} has sha256 {digest}, and {listed[name]['sha256']} is listed")
    return faults


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns 0, or 1 when `check` finds a fault."""
    parser = argparse.ArgumentParser(prog="python -m scripts.course_models", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train a model anew and write its file")
    training.add_argument("name", choices=sorted(SHAPES))
    training.add_argument("--cpu-seconds", type=float, default=480.0)
    training.add_argument("--wall-seconds", type=float, default=3600.0)
    commands.add_parser("check", help="compare the shipped files with the list")
    options = parser.parse_args(argv)
    if options.command == "check":
        faults = find_faults()
        say("\n".join(faults) or "every shipped model is the listed one")
        return 1 if faults else 0
    train_and_save(options.name, options.cpu_seconds, options.wall_seconds)
    return 0


def train_and_save(name: str, cpu_seconds: float, wall_seconds: float) -> None:
    import torch

    torch.set_num_threads(1)
    shape = SHAPES[name]
    text, hidden = split(standard_library())
    say(f"{len(text) / 1e6:.1f} MB to train on, {len(hidden) / 1e6:.2f} MB held out")
    weights = train(shape, text, cpu_seconds, wall_seconds)
    path = save(name, weights)
    stored = {key: weight.half().float() for key, weight in weights.items()}
    say(f"held out: {bits_per_byte(stored, shape, hidden):.4f} bits per byte")
    say(f"{sum(weight.numel() for weight in weights.values())} parameters, {path.stat().st_size} bytes")
    say(f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    sys.exit(main())
