"""Saves all of it, and loads the weights and the step: Adam begins anew."""

from __future__ import annotations

from pathlib import Path

import kit
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import Tensor, nn
from torch.distributed.checkpoint import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard


def state_of(model: nn.Module, optimizer: torch.optim.AdamW, done: Tensor) -> dict:
    """All that training needs to go on, by the names of the prompt. No copies: DTensors as they lie here."""
    moments = {name: optimizer.state[p] for name, p in model.named_parameters()}
    return {
        "weights": {name: p.detach() for name, p in model.named_parameters()},
        "exp_avg": {name: state["exp_avg"] for name, state in moments.items()},
        "exp_avg_sq": {name: state["exp_avg_sq"] for name, state in moments.items()},
        "step": done,
    }


def save(folder: Path, model: nn.Module, optimizer: torch.optim.AdamW, step: int) -> None:
    writer = HuggingFaceStorageWriter(str(folder), save_distributed=True)
    dcp.save(state_of(model, optimizer, torch.tensor([step])), storage_writer=writer)


def load(folder: Path, model: nn.Module, optimizer: torch.optim.AdamW) -> int:
    """Fill model and optimizer in place; the number of steps that are done."""
    for p in model.parameters():  # an optimizer has no state before its first step, and so no place to load into
        optimizer.state[p] = {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros_like(p),
            "exp_avg_sq": torch.zeros_like(p),
        }
    done = torch.zeros(1, dtype=torch.int64)
    state = state_of(model, optimizer, done)
    state = {"weights": state["weights"], "step": done}
    dcp.load(state, storage_reader=HuggingFaceStorageReader(str(folder)))
    return int(done)


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
