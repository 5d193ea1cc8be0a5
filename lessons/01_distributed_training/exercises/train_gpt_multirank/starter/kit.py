"""The job, its batches and learning rates, and the files of a checkpoint. Read-only: both you and the judge rely on it.

A checkpoint of step s is the folder out/step-0000s. Each rank writes one file into it, of one-dimensional float32
pieces: "weight/1.qkv.weight@300" begins at element 300 of the flattened parameter. Any cut will do, as long as every
element of every parameter lies in one piece. The file DONE, written last, says that the checkpoint is whole.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from model import Shape
from safetensors import safe_open
from torch import Tensor

WORK = Path(os.environ.get("JOB_FOLDER", "/work"))
OUT = WORK / "out"
KINDS = ("weight", "exp_avg", "exp_avg_sq")  # what a checkpoint holds of each parameter: itself and Adam's moments
BETAS = (0.9, 0.95)
EPS = 1e-8
PATIENCE = timedelta(seconds=40)


class Job(NamedTuple):
    """`last`: train until this many steps are done. `save_at`: after which of them to write a checkpoint.

    `batch`: sequences of one step, of all ranks together. `clip`: the largest norm of the whole gradient.
    """

    shape: Shape
    seed: int
    last: int
    save_at: list[int]
    batch: int
    rate: float
    warm_up: int
    horizon: int
    decay: float
    clip: float


def join() -> None:
    """Make this rank one of the group, on one thread. A collective that not all ranks reach raises after a while."""
    torch.set_num_threads(1)
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    dist.init_process_group("gloo", rank=rank, world_size=world, timeout=PATIENCE)


def load_job() -> Job:
    found = json.loads((WORK / "data/job.json").read_text())
    return Job(**{**found, "shape": Shape(**found["shape"])})


def batch(job: Job, step: int) -> tuple[Tensor, Tensor]:
    """The whole batch of step `step` (the first is 0): bytes and the bytes that follow, each (batch, context)."""
    text = np.memmap(WORK / "data/train.bin", np.uint8, "r")
    digest = hashlib.sha256(f"{job.seed}/batch/{step}".encode()).digest()
    draw = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    starts = draw.integers(0, len(text) - job.shape.context, job.batch)
    windows = torch.from_numpy(np.stack([text[at : at + job.shape.context + 1] for at in starts]).astype(np.int64))
    return windows[:, :-1], windows[:, 1:]


def rate(job: Job, step: int) -> float:
    """The learning rate of step `step`: up in a line, then down a cosine to a tenth."""
    if step < job.warm_up:
        return job.rate * (step + 1) / job.warm_up
    done = (step - job.warm_up) / max(1, job.horizon - job.warm_up)
    return job.rate * (0.1 + 0.45 * (1 + math.cos(math.pi * min(1.0, done))))


# Checkpoints


def folder(step: int) -> Path:
    return OUT / f"step-{step:05}"


def saved_steps() -> list[int]:
    """Steps that have a folder, rising. Whether a checkpoint is whole is another question."""
    return sorted(int(path.name.removeprefix("step-")) for path in OUT.glob("step-*"))


def is_whole(step: int) -> bool:
    return (folder(step) / "DONE").exists()


def mark_whole(step: int, world: int) -> None:
    """Say that all `world` files of the checkpoint are there. Nobody checks it for you: wait for all ranks first."""
    (folder(step) / "DONE").write_text(json.dumps({"ranks": world}))


def write_pieces(step: int, rank: int, world: int, pieces: Mapping[str, Tensor]) -> None:
    """Write this rank's file. Names are f"{kind}/{parameter}@{first element}", tensors one-dimensional float32.

    One piece after the other: safetensors' own save_file would first make a copy of all of them.
    """
    odd = [name for name, piece in pieces.items() if piece.dtype != torch.float32 or piece.ndim != 1]
    if odd:
        raise ValueError(f"{odd[0]} is no one-dimensional float32 tensor")
    folder(step).mkdir(parents=True, exist_ok=True)
    path = folder(step) / f"rank-{rank}-of-{world}.safetensors"
    with path.open("wb") as file:
        file.write(header_of(pieces))
        for piece in pieces.values():
            file.write(memoryview(piece.detach().contiguous().numpy()))
    if os.environ.get("DIES_AT") == f"{rank}/{step}":  # the drill: this machine dies in the middle of a save
        os.truncate(path, path.stat().st_size // 2)
        (OUT / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)


def header_of(pieces: Mapping[str, Tensor]) -> bytes:
    """How a safetensors file begins: eight bytes that say how long the JSON is, then what lies where."""
    header, at = {}, 0
    for name, piece in pieces.items():
        end = at + 4 * piece.numel()
        header[name] = {"dtype": "F32", "shape": [piece.numel()], "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def read_range(step: int, kind: str, name: str, start: int, stop: int) -> Tensor:
    """Elements start … stop - 1 of a parameter or moment, whoever wrote them, on however many ranks."""
    world = json.loads((folder(step) / "DONE").read_text())["ranks"] if is_whole(step) else None
    found = torch.full((stop - start,), math.nan)
    for path in sorted(folder(step).glob(f"rank-*-of-{world or '*'}.safetensors")):
        with safe_open(path, "pt") as pieces:
            for key in pieces.keys():  # noqa: SIM118 - a safetensors file is no dict
                label, _, first = key.rpartition("@")
                if label == f"{kind}/{name}":
                    piece = pieces.get_slice(key)
                    low, high = max(start, int(first)), min(stop, int(first) + piece.get_shape()[0])
                    if low < high:
                        found[low - start : high - start] = piece[low - int(first) : high - int(first)]
    if found.isnan().any():
        raise ValueError(f"step {step}: {kind}/{name} has holes between {start} and {stop}")
    return found
