"""ZeRO stage 3 from three collectives: every rank holds 1/N of weights, gradients and moments, of each unit.

A unit's weights lie flat, cut into N equal pieces. Its forward pass gathers them and lets them go; the backward pass
gathers them again (by activation checkpointing, which recomputes the unit) and scatters the summed gradient.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import kit
import torch
import torch.distributed as dist
from model import GPT, initial
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint


class Gather(torch.autograd.Function):
    """Forward: all pieces, joined. Backward: this rank's piece of the mean gradient."""

    @staticmethod
    def forward(ctx, piece: Tensor) -> Tensor:
        ctx.world = dist.get_world_size()
        whole = piece.new_empty(piece.numel() * ctx.world)
        dist.all_gather_single(whole, piece)
        return whole

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        mine = gradient.new_empty(gradient.numel() // ctx.world)
        dist.reduce_scatter_single(mine, gradient.contiguous())
        return mine / ctx.world


class Unit:
    """A module of the chain without memory of its own, and this rank's piece of its weights."""

    def __init__(self, prefix: str, module: nn.Module) -> None:
        self.module, self.prefix = module, prefix
        self.shapes = {name: parameter.shape for name, parameter in module.named_parameters()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        self.length = -(-sum(self.sizes) // dist.get_world_size())  # the last piece is padded
        self.padding = self.length * dist.get_world_size() - sum(self.sizes)
        self.first = self.length * dist.get_rank()
        self.piece = nn.Parameter(torch.zeros(self.length))

    def spans(self) -> Iterator[tuple[str, slice, slice]]:
        """What of each parameter is ours: its name, where in the parameter, where in the piece."""
        at = 0
        for name, size in zip(self.shapes, self.sizes, strict=True):
            low, high = max(at, self.first), min(at + size, self.first + self.length)
            if low < high:
                yield f"{self.prefix}.{name}", slice(low - at, high - at), slice(low - self.first, high - self.first)
            at += size

    def __call__(self, x: Tensor) -> Tensor:
        return checkpoint(self.run, x, self.piece, use_reentrant=False, preserve_rng_state=False)

    def run(self, x: Tensor, piece: Tensor) -> Tensor:
        parts = Gather.apply(piece).split([*self.sizes, self.padding])
        weights = {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=False)}
        return functional_call(self.module, weights, (x,))


class Sharded:
    """The model, Adam over the pieces, and their checkpoints."""

    def __init__(self, job: kit.Job) -> None:
        with torch.device("meta"):
            chain = GPT(job.shape)
        self.job = job
        self.units = [Unit(name, module) for name, module in chain.named_children()]
        pieces = [unit.piece for unit in self.units]
        self.optimizer = torch.optim.AdamW(
            pieces, lr=job.rate, betas=kit.BETAS, eps=kit.EPS, weight_decay=job.decay, foreach=False
        )
        self.sizes = {f"{unit.prefix}.{name}": size for unit in self.units for name, size in unit.shapes.items()}

    @torch.no_grad()
    def start(self) -> int:
        """Initial weights, or the newest whole checkpoint; returns how many steps are done."""
        whole = [step for step in kit.saved_steps() if kit.is_whole(step)]
        for unit in self.units:
            for name, theirs, ours in unit.spans():
                if not whole:
                    unit.piece[ours] = initial(name, self.sizes[name], self.job.seed).flatten()[theirs]
                else:
                    self.restore(unit, whole[-1], name, theirs, ours)
        return whole[-1] if whole else 0

    def restore(self, unit: Unit, step: int, name: str, theirs: slice, ours: slice) -> None:
        state = self.optimizer.state[unit.piece]
        if not state:
            state |= {kind: torch.zeros_like(unit.piece) for kind in kit.KINDS[1:]}
            state["step"] = torch.tensor(float(step))
        unit.piece[ours] = kit.read_range(step, "weight", name, theirs.start, theirs.stop)
        for kind in kit.KINDS[1:]:
            state[kind][ours] = kit.read_range(step, kind, name, theirs.start, theirs.stop)

    def save(self, step: int) -> None:
        """Every rank its pieces; whole only when all have written theirs."""
        pieces: dict[str, Tensor] = {}
        for unit in self.units:
            state = self.optimizer.state[unit.piece]
            for name, theirs, ours in unit.spans():
                pieces[f"weight/{name}@{theirs.start}"] = unit.piece[ours]
                pieces |= {f"{kind}/{name}@{theirs.start}": state[kind][ours] for kind in kit.KINDS[1:]}
        kit.write_pieces(step, dist.get_rank(), dist.get_world_size(), pieces)
        dist.barrier()
        if dist.get_rank() == 0:
            kit.mark_whole(step, dist.get_world_size())

    def step(self, number: int) -> float:
        """One step on this rank's rows of the batch; returns the mean loss of all ranks."""
        rows = slice(dist.get_rank(), None, dist.get_world_size())
        ids, targets = (part[rows] for part in kit.batch(self.job, number))
        x = ids
        for unit in self.units:
            x = unit(x)
        loss = F.cross_entropy(x.flatten(0, 1), targets.flatten())
        loss.backward()
        self.clip()
        for group in self.optimizer.param_groups:
            group["lr"] = kit.rate(self.job, number)
        self.optimizer.step()
        self.optimizer.zero_grad()
        mean = loss.detach()
        dist.all_reduce(mean)
        return mean.item() / dist.get_world_size()

    @torch.no_grad()
    def clip(self) -> None:
        """The norm is that of the whole gradient: squares are summed over the ranks before the root."""
        square = torch.stack([unit.piece.grad.square().sum() for unit in self.units]).sum()
        dist.all_reduce(square)
        if square.sqrt() > self.job.clip:
            for unit in self.units:
                unit.piece.grad *= self.job.clip / square.sqrt()


def main() -> None:
    kit.join()
    job = kit.load_job()
    model = Sharded(job)
    for number in range(model.start(), job.last):
        loss = model.step(number)
        if dist.get_rank() == 0 and (number + 1) % 8 == 0:
            print(f"step {number + 1}: loss {loss:.3f}", flush=True)
        if number + 1 in job.save_at:
            model.save(number + 1)
    dist.destroy_process_group()


if __name__ == "__main__":
    subprocess.run([sys.executable, "launch.py"], check=True)
