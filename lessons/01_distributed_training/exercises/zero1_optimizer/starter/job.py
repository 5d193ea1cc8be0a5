"""The job that one rank runs. Read-only; `python zero1.py` runs two ranks of it here.

There is no model and no loss: the gradients are drawn, other ones on every rank, for an optimizer does not care where
they come from. After some steps the job moves: each rank's process ends, another one begins, and of the optimizer it
knows what state() gave before.
"""

from __future__ import annotations

import ctypes

import torch
from wire import Comm, Line, rehearse

LARGE = 64 * 1024
ctypes.CDLL(None).mallopt(-3, LARGE)  # M_MMAP_THRESHOLD: what is freed goes back to the system, as on a GPU


def shapes_of(vocab, width, blocks):
    """Of an embedding, and of two layers in each block. The embedding alone is some 40 % of all."""
    block = [(4 * width, width), (4 * width,), (width, 4 * width), (width,)]
    return [(vocab, width), *(block * blocks)]


def groups_of(parameters):
    """What the optimizer is made with, as torch.optim takes it: matrices decay and vectors do not."""
    return [
        {"params": [p for p in parameters if p.ndim == 2], "lr": 1e-3, "weight_decay": 0.5},
        {"params": [p for p in parameters if p.ndim == 1], "lr": 2e-3, "weight_decay": 0.0},
    ]


def train(line, rank, ranks, sizes, names):
    """What a rank does. names: what the state holds that was moved from another process; None at the start."""
    parameters = [torch.tensor(line.ask("weights", number=k)).view(s) for k, s in enumerate(shapes_of(**sizes))]
    for parameter in parameters:
        parameter.requires_grad_().grad = torch.ones_like(parameter)
    warm_up()
    line.ask("ready")  # the judge reads this box's memory
    import zero1

    optimizer = zero1.ZeroAdamW(groups_of(parameters), Comm(line, rank, ranks))
    if names is not None:
        optimizer.load({name: unpack(*line.ask("load", name=name)) for name in names})
    while order := line.ask("next"):
        what, argument = order
        if what == "step":
            draw_gradients(parameters, argument)
            optimizer.step()
        elif what == "look":
            line.ask("values", values=look(parameters, argument))
        else:
            for name, tensor in optimizer.state().items():
                line.ask("state", **pack(name, tensor))


def warm_up():
    """What torch imports with the first optimizer is not the learner's memory."""
    dummy = torch.zeros(8, requires_grad=True)
    dummy.grad = torch.ones(8)
    torch.optim.AdamW([dummy]).step()


def draw_gradients(parameters, seed):
    generator = torch.Generator().manual_seed(seed)
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.empty_like(parameter)
        parameter.grad.normal_(generator=generator)


def look(parameters, places):
    """The weights at these places of all parameters laid end to end."""
    places, begin, found = torch.from_numpy(places), 0, []
    for parameter in parameters:
        inside = places[(places >= begin) & (places < begin + parameter.numel())]
        found.append(parameter.detach().view(-1)[inside - begin])
        begin += parameter.numel()
    return torch.cat(found).numpy()


def pack(name, tensor):
    tensor = tensor.detach().contiguous()
    values = tensor.view(-1).view(torch.uint8).numpy().copy()
    return {"name": name, "dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape), "values": values}


def unpack(dtype, shape, values):
    return torch.tensor(values).view(getattr(torch, dtype)).view(shape)


# What the judge calls

LINE = Line()


def begin(rank, ranks, sizes, names):
    """Start this rank; returns its first message."""
    return LINE.start(train, rank, ranks, sizes, names)


def go_on(answer):
    """Answer the message before, and return the next one."""
    return LINE.go_on(answer)


# Two ranks in one process, to try zero1.py

SIZES = {"vocab": 300, "width": 32, "blocks": 2}
STEPS, MOVE_AFTER = 4, 2


def two_ranks(ranks=2):
    """Drive `ranks` ranks here and print what a first look should show."""
    torch.manual_seed(0)
    weights = [torch.randn(shape) * 0.02 for shape in shapes_of(**SIZES)]
    alone, looks, launched, held = alone_after(weights, ranks), [[] for _ in range(ranks)], [], []
    moved = [[{} for _ in range(ranks)]]
    everything = torch.arange(sum(w.numel() for w in weights)).numpy()
    for first, last in ((0, MOVE_AFTER), (MOVE_AFTER, STEPS)):
        before = [w.clone() for w in (alone[first - 1] if first else weights)]
        orders = [order for step in range(first, last) for order in (("step", step), ("look", everything))]
        launched += run_ranks(ranks, before, [*orders, ("save", None)], moved, looks, first > 0)
        held.append(max(sum(entry["values"].nbytes for entry in state.values()) for state in moved[-1]))
    for step in range(STEPS):
        wanted = torch.cat([w.view(-1) for w in alone[step]]).numpy()
        print(f"step {step}: off by {max(abs(mine[step] - wanted).max() for mine in looks):.1e} on the worst rank")
    whole = 8 * sum(w.numel() for w in weights)
    sent = sum((2 if one["op"] == "all_reduce" else 1) * 4 * one["size"] for one in [*launched[0], *launched[ranks]])
    print(f"state on the worst rank: {max(held) / whole:.2f} of all; sent: {sent / (STEPS * whole):.2f} of what is needed")


def run_ranks(ranks, weights, orders, moved, looks, is_loading):
    """One life of all ranks; appends their states to `moved`."""
    before, after, todo = moved[-1], [{} for _ in range(ranks)], [list(orders) for _ in range(ranks)]

    def answer(rank, message, _launched):
        if message["kind"] == "weights":
            return weights[message["number"]].clone().numpy()
        if message["kind"] == "next":
            what, argument = todo[rank].pop(0) if todo[rank] else (None, None)
            return what and [what, argument * 1000 + rank if what == "step" else argument]
        if message["kind"] == "values":
            looks[rank].append(message["values"])
        elif message["kind"] == "state":
            after[rank][message["name"]] = message
        elif message["kind"] == "load":
            entry = before[rank][message["name"]]
            return [entry["dtype"], entry["shape"], entry["values"]]
        return None

    names = [list(state) if is_loading else None for state in before]
    launched = rehearse([lambda line, rank=r: train(line, rank, ranks, SIZES, names[rank]) for r in range(ranks)], answer)
    moved.append(after)
    return launched


def alone_after(weights, ranks):
    """The weights of one process after each step."""
    parameters = [w.clone().requires_grad_() for w in weights]
    optimizer, found = torch.optim.AdamW(groups_of(parameters)), []
    for step in range(STEPS):
        total = [torch.zeros_like(p) for p in parameters]
        for rank in range(ranks):
            draw_gradients(parameters, step * 1000 + rank)
            for sums, parameter in zip(total, parameters):
                sums += parameter.grad
        for sums, parameter in zip(total, parameters):
            parameter.grad = sums / ranks
        optimizer.step()
        found.append([p.detach().clone() for p in parameters])
    return found
