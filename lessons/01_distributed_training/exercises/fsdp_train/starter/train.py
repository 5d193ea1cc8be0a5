"""Trains on several ranks: data parallel, and right. But every rank holds all of it. Shard it.

`python train.py` rehearses on one rank and on two, and prints what each of them needs.
"""

from __future__ import annotations

import kit
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel


def main() -> None:
    job, rank, ranks = kit.job(), dist.get_rank(), dist.get_world_size()
    model = kit.skeleton(job)
    model.to_empty(device="cpu")
    kit.fill(model, job)
    replica = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=job["rate"], eps=1e-6, foreach=False)

    for step in range(job["steps"]):
        loss = kit.loss_of(replica, kit.batch(step).chunk(ranks)[rank])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    kit.report(model, optimizer)


if __name__ == "__main__":
    kit.launch(main)
