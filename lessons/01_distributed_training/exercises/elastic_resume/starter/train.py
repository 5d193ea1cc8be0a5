"""Trains on any number of ranks, and saves the weights. After a stop it goes on: from where, and with what?

`python train.py` rehearses: a stop on 4 ranks, a resume on 2, and one rank that is not interrupted.
"""

from __future__ import annotations

from pathlib import Path

import kit
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard


def save(folder: Path, model: nn.Module, optimizer: torch.optim.AdamW, step: int) -> None:
    """Every rank writes its own rows. The weights are there; see the prompt for what is missing."""
    state = {"weights": {name: p.detach() for name, p in model.named_parameters()}}
    dcp.save(state, storage_writer=HuggingFaceStorageWriter(str(folder), save_distributed=True))


def load(folder: Path, model: nn.Module, optimizer: torch.optim.AdamW) -> int:
    """Fill model and optimizer in place; the number of steps that are done."""
    state = {"weights": {name: p.detach() for name, p in model.named_parameters()}}
    dcp.load(state, storage_reader=HuggingFaceStorageReader(str(folder)))
    return 7  # a guess


def main() -> None:
    job, rank, ranks = kit.job(), dist.get_rank(), dist.get_world_size()
    model = kit.build(job)
    mesh = init_device_mesh("cpu", (ranks,))
    for block in model.blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    optimizer = torch.optim.AdamW(model.parameters(), lr=job["rate"], betas=(0.9, 0.95), eps=1e-6, weight_decay=0.1)

    first = load(kit.CHECKPOINT, model, optimizer) if kit.CHECKPOINT.exists() else 0
    for step in range(first, job["stop"]):
        for group in optimizer.param_groups:
            group["lr"] = kit.rate(job, step)
        loss = kit.loss_of(model, kit.batch(step).chunk(ranks)[rank])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    save(kit.OUT, model, optimizer, job["stop"])


if __name__ == "__main__":
    kit.launch(main)
