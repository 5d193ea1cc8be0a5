"""The training job that one rank runs. Read-only; `python ddp.py` runs two ranks of it here.

Each rank gets its own share of each batch. Shapes: V words, D features, H hidden.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from wire import Comm, Line, rehearse

V, D, H, BLOCKS = 48, 32, 96, 5
RATE, MOMENTUM = 0.1, 0.9


class Gate(torch.autograd.Function):
    """Nothing on the way forward. On the way back the gradient is multiplied by a factor that is told only now."""

    @staticmethod
    def forward(ctx, x, line, block):
        ctx.line, ctx.block = line, block
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.line.ask("gate", block=ctx.block), None, None


class Model(nn.Module):
    """Predicts the next word from one word. The output head is the embedding; one bias is frozen."""

    def __init__(self, line):
        super().__init__()
        self.line = line
        self.embed = nn.Embedding(V, D)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(D, H), nn.GELU(), nn.Linear(H, D)) for _ in range(BLOCKS))
        self.head = nn.Linear(D, V)
        self.head.weight = self.embed.weight  # tied: one tensor, two uses
        self.head.bias.requires_grad_(False)

    def forward(self, words):
        x = self.embed(words)
        for number, block in enumerate(self.blocks):
            if number:
                x = Gate.apply(x, self.line, number)
            x = x + block(x)
        return self.head(x)


def train(line, rank, ranks, weights):
    """What a rank does: build, wrap, and train with the DataParallel of ddp.py until no batch comes."""
    import ddp

    model = Model(line)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weights[name]))
    parallel = ddp.DataParallel(model, Comm(line, rank, ranks))
    momentum = {p: torch.zeros_like(p) for p in model.parameters() if p.requires_grad}
    while batch := line.ask("batch", weights=snapshot(model)):
        words, targets = (torch.from_numpy(part) for part in batch)
        model.zero_grad()
        F.cross_entropy(model(words), targets).backward()
        parallel.finish()
        sgd_step(momentum)


@torch.no_grad()
def sgd_step(momentum):
    """torch.optim.SGD in two lines: importing it takes longer than all that a rank does here."""
    for parameter, mean in momentum.items():
        mean.mul_(MOMENTUM).add_(parameter.grad)
        parameter.sub_(mean, alpha=RATE)


def snapshot(model):
    return {name: p.detach().numpy().copy() for name, p in model.named_parameters()}


# What the judge calls

LINE = Line()


def begin(rank, ranks, weights):
    """Start this rank; returns its first message."""
    return LINE.start(train, rank, ranks, weights)


def go_on(answer):
    """Answer the message before, and return the next one."""
    return LINE.go_on(answer)


# Two ranks in one process, to try ddp.py


def two_ranks(ranks=2, steps=3):
    """Drive `ranks` ranks here and print what a first look should show."""
    torch.manual_seed(0)
    replicas, first_of_step, early = [[] for _ in range(ranks)], [0] * ranks, 0

    def answer(rank, message, launched):
        nonlocal early
        if message["kind"] == "gate":
            if message["block"] == 1:  # below it, no gradient is known yet
                early += reduced_bytes(launched[first_of_step[rank] :])
            return 1.0
        first_of_step[rank] = len(launched)
        replicas[rank].append(message["weights"])
        if len(replicas[rank]) > steps:
            return None
        return [torch.randint(V, (8,)).numpy(), torch.randint(V, (8,)).numpy()]

    starts = [snapshot(Model(None)) for _ in range(ranks)]
    programs = [lambda line, rank=rank: train(line, rank, ranks, starts[rank]) for rank in range(ranks)]
    launched = rehearse(programs, answer)
    for step, (first, second) in enumerate(zip(replicas[0], replicas[1])):
        gap = max(abs(first[name] - second[name]).max() for name in first)
        print(f"after step {step}: the replicas differ by {gap:.1e}")
    sent = sum(reduced_bytes(mine) for mine in launched)
    trained = 4 * sum(p.numel() for p in Model(None).parameters() if p.requires_grad)
    print(f"bytes all-reduced a step: {sent // ranks // steps} of {trained}; launched early: {early / max(sent, 1):.0%}")


def reduced_bytes(launches):
    return sum(4 * launch["size"] for launch in launches if launch["op"] == "all_reduce")
