"""What train.py builds on: the network, the rows of this run, and the file that the judge reads. Read-only."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

DATA = Path("/work/data")
OUT = Path("/work/out")

torch.set_num_threads(1)
# peft imports bitsandbytes, which warns where a processor could use a faster kernel that is not installed. Not needed.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)


@dataclass
class Output:
    prediction: Tensor
    loss: Tensor | None  # mean squared error, where the wanted outputs were given; peft adds its penalty here


class Block(nn.Module):
    """x + down(gelu(up(norm(x)))): half of a transformer's block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, width, bias=False)
        self.down = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(F.gelu(self.up(F.layer_norm(x, x.shape[-1:]))))


class Net(nn.Module):
    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))

    def forward(self, x: Tensor, wanted: Tensor | None = None) -> Output:
        for block in self.blocks:
            x = block(x)
        return Output(prediction=x, loss=None if wanted is None else F.mse_loss(x, wanted))


def settings() -> dict[str, float | str]:
    """`tier`, `width`, `blocks`, `budget` (ranks of all modules together), `cpu_seconds` (all that the box may burn)."""
    return json.loads((DATA / "run.json").read_text())


def cpu_seconds() -> float:
    """CPU seconds that this process has used since it started."""
    return time.process_time()


def load_base() -> Net:
    """The network as it was before the change, every parameter frozen."""
    net = Net(int(settings()["width"]), int(settings()["blocks"]))
    net.load_state_dict(load_file(DATA / "base.safetensors"))
    return net.requires_grad_(False)


def load_rows() -> tuple[Tensor, Tensor]:
    """Inputs and wanted outputs, both (rows, width)."""
    rows = load_file(DATA / "rows.safetensors")
    return rows["x"], rows["wanted"]


def save_adapter(pairs: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    """Module name -> (lora_A (r, in), lora_B (out, r)). The judge computes W + lora_B @ lora_A and knows no scaling."""
    tensors = {}
    for name, (down, up) in pairs.items():
        tensors[f"{name}.lora_A"] = down.detach().float().contiguous().clone()
        tensors[f"{name}.lora_B"] = up.detach().float().contiguous().clone()
    OUT.mkdir(exist_ok=True)
    save_file(tensors, OUT / "adapter.safetensors")
    ranks = {name: len(down) for name, (down, _) in pairs.items()}
    print(f"adapter: {sum(ranks.values())} ranks of {settings()['budget']:.0f}: {ranks}", flush=True)
