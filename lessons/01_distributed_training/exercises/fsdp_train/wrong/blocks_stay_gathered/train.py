"""Keeps every block gathered from forward to backward: ZeRO-2, which saves an all-gather and costs the weights."""

from __future__ import annotations

import kit
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard


def main() -> None:
    job, rank, ranks = kit.job(), dist.get_rank(), dist.get_world_size()
    model = kit.skeleton(job)
    mesh = init_device_mesh("cpu", (ranks,))
    for block in model.blocks:
        fully_shard(block, mesh=mesh, reshard_after_forward=False)
    fully_shard(model, mesh=mesh)
    model.to_empty(device="cpu")
    kit.fill(model, job)
    optimizer = torch.optim.Adam(model.parameters(), lr=job["rate"], eps=1e-6, foreach=False)

    for step in range(job["steps"]):
        loss = kit.loss_of(model, kit.batch(step).chunk(ranks)[rank])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    kit.report(model, optimizer)


if __name__ == "__main__":
    kit.launch(main)
