"""Whole copies everywhere; only the files look sharded."""

from __future__ import annotations

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
    whole = [step for step in kit.saved_steps() if kit.is_whole(step)]
    for name, parameter in model.named_parameters() if whole else []:
        size = parameter.numel()
        parameter.data = kit.read_range(whole[-1], "weight", name, 0, size).view_as(parameter)
        moments = {kind: kit.read_range(whole[-1], kind, name, 0, size).view_as(parameter) for kind in kit.KINDS[1:]}
        optimizer.state[parameter] = {"step": torch.tensor(float(whole[-1])), **moments}
    return whole[-1] if whole else 0


def save(step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    pieces = {}
    for name, parameter in model.named_parameters():
        length = -(-parameter.numel() // dist.get_world_size())
        first = dist.get_rank() * length
        held = {"weight": parameter, **{kind: optimizer.state[parameter][kind] for kind in kit.KINDS[1:]}}
        for kind, tensor in held.items():
            pieces[f"{kind}/{name}@{first}"] = tensor.detach().flatten()[first : first + length]
    kit.write_pieces(step, dist.get_rank(), dist.get_world_size(), pieces)
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
