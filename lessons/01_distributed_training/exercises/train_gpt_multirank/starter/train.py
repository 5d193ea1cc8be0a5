"""Plain data parallelism: every rank holds the whole model, rank 0 saves it, and nothing is resumed. Runs as it is.

`python launch.py` compares one rank with two. The prompt lists what `main` has to do.
"""

from __future__ import annotations

import subprocess
import sys

import kit
import torch
import torch.distributed as dist
from model import GPT, initial
from torch import nn
from torch.nn import functional as F


def build(job: kit.Job) -> GPT:
    model = GPT(job.shape)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(initial(name, parameter.shape, job.seed))
    return model


def train_step(job: kit.Job, model: nn.Module, optimizer: torch.optim.Optimizer, number: int) -> float:
    """One step on this rank's rows, with gradients averaged over the ranks."""
    rows = slice(dist.get_rank(), None, dist.get_world_size())
    ids, targets = (part[rows] for part in kit.batch(job, number))
    loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
    loss.backward()
    for parameter in model.parameters():
        dist.all_reduce(parameter.grad)
        parameter.grad /= dist.get_world_size()
    nn.utils.clip_grad_norm_(model.parameters(), job.clip)
    for group in optimizer.param_groups:
        group["lr"] = kit.rate(job, number)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def start(job: kit.Job, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """How many steps are done already: this begins anew, whatever checkpoints lie in kit.OUT."""
    return 0


def save(step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Rank 0 writes everything, the others nothing: a checkpoint, but not a sharded one."""
    if dist.get_rank() == 0:
        pieces = {}
        for name, parameter in model.named_parameters():
            pieces[f"weight/{name}@0"] = parameter.flatten()
            for kind in kit.KINDS[1:]:
                pieces[f"{kind}/{name}@0"] = optimizer.state[parameter][kind].flatten()
        kit.write_pieces(step, 0, dist.get_world_size(), pieces)
    else:
        kit.write_pieces(step, dist.get_rank(), dist.get_world_size(), {})
    dist.barrier()
    if dist.get_rank() == 0:
        kit.mark_whole(step, dist.get_world_size())


def main() -> None:
    kit.join()
    job = kit.load_job()
    model = build(job)
    optimizer = torch.optim.AdamW(model.parameters(), lr=job.rate, betas=kit.BETAS, eps=kit.EPS, weight_decay=job.decay)
    for number in range(start(job, model, optimizer), job.last):
        loss = train_step(job, model, optimizer, number)
        if dist.get_rank() == 0 and (number + 1) % 8 == 0:
            print(f"step {number + 1}: loss {loss:.3f}", flush=True)
        if number + 1 in job.save_at:
            save(number + 1, model, optimizer)
    dist.destroy_process_group()


if __name__ == "__main__":
    subprocess.run([sys.executable, "launch.py"], check=True)
