"""The model, the data and the report of a run. Read-only: the judge uses its own copy of the model.

Run `python train.py` by yourself and `launch` rehearses on drawn data: 1 rank and 2 ranks, with the memory of each.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.nn import functional as F

WORK = Path(os.environ.get("REHEARSAL", "/work"))

torch.set_num_threads(1)
# glibc keeps what was freed for the next request, blocks that were gathered once among it. With a fixed threshold (here
# for everything from 64 KiB on) it gives memory back, as the caching allocator of a GPU lends it to the next block.
M_MMAP_THRESHOLD = -3
ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 64 * 1024)


def job() -> dict:
    """vocab, width, blocks, heads, sequence, batch, steps, rate, seed."""
    return json.loads((WORK / "data" / "job.json").read_text())


def batch(step: int) -> Tensor:
    """The tokens of one step, (batch, sequence + 1), for all ranks together."""
    with safe_open(WORK / "data" / "tokens.safetensors", framework="pt") as file:
        return file.get_tensor(f"step_{step}")


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.RMSNorm(width, eps=1e-5)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm2 = nn.RMSNorm(width, eps=1e-5)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        b, t, d = x.shape
        q, k, v = (y.view(b, t, self.heads, -1).transpose(1, 2) for y in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class GPT(nn.Module):
    def __init__(self, vocab: int, width: int, blocks: int, heads: int, sequence: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab, width)
        self.position = nn.Embedding(sequence, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.head = nn.Linear(width, vocab, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens) + self.position.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def skeleton(job: dict) -> GPT:
    """The model without memory: its parameters are on the "meta" device, and have shapes only."""
    with torch.device("meta"):
        return GPT(*(job[name] for name in ("vocab", "width", "blocks", "heads", "sequence")))


@torch.no_grad()
def fill(model: nn.Module, job: dict) -> None:
    """The run's initial weights, into parameters that have memory, whole or sharded; one parameter at a time."""
    for number, (name, parameter) in enumerate(model.named_parameters()):
        whole = initial(number, name, tuple(parameter.shape), job["seed"])
        if isinstance(parameter, DTensor):
            rows, first = own_rows(parameter)
            parameter.to_local().copy_(whole[first : first + rows])
        else:
            parameter.copy_(whole)


def initial(number: int, name: str, shape: tuple[int, ...], seed: int) -> Tensor:
    if "norm" in name:
        return torch.ones(shape)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + number)) * shape[-1] ** -0.5


def loss_of(model: nn.Module, tokens: Tensor) -> Tensor:
    """Mean cross-entropy of the next token."""
    logits = model(tokens[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def report(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write the values that the judge asks for: some places of each parameter and of both moments of it.

    Each rank writes those that it holds; of tensors that are whole on every rank, each writes its share.
    """
    rank, ranks = dist.get_rank(), dist.get_world_size()
    probes, found = load_file(WORK / "data" / "probes.safetensors"), {}
    for name, parameter in model.named_parameters():
        state = optimizer.state.get(parameter, {})
        for group, tensor in (("weights", parameter), *((k, state[k]) for k in ("exp_avg", "exp_avg_sq") if k in state)):
            places = probes[name]
            mine = torch.arange(len(places)) % ranks == rank
            values, first = tensor.detach(), 0
            if isinstance(values, DTensor):
                rows, row = own_rows(values)
                values, per_row = values.to_local(), values[0].numel() if values.ndim > 1 else 1
                first, mine = row * per_row, (places >= row * per_row) & (places < (row + rows) * per_row)
            which = mine.nonzero().flatten()
            found[f"{group}.{name}.which"] = which
            found[f"{group}.{name}.values"] = values.flatten()[places[which] - first].clone()
    save_file(found, WORK / "out" / f"values-{rank}.safetensors")


def own_rows(tensor: DTensor) -> tuple[int, int]:
    """How many rows this rank holds, and the first of them: dim 0 in pieces of ceil(rows / ranks)."""
    rank, ranks = tensor.device_mesh.get_local_rank(), tensor.device_mesh.size()
    return tensor.to_local().shape[0], min(rank * -(-tensor.shape[0] // ranks), tensor.shape[0])


def launch(main: Callable[[], None]) -> None:
    """Run `main` as one of the ranks; started by hand, rehearse."""
    if "RANK" not in os.environ:
        return rehearse(Path(sys.argv[0]))
    dist.init_process_group("gloo")
    main()
    dist.destroy_process_group()


def rehearse(program: Path) -> None:
    """One rank, then two: do they find the same values, and what does each rank need?"""
    found = []
    for ranks in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            draw_job(Path(folder))
            peaks = start(program, Path(folder), ranks)
            print(f"{ranks} ranks: peak memory of each", ", ".join(f"{peak / 1e6:.0f} MB" for peak in peaks), flush=True)
            found.append(dict(values_of(Path(folder), ranks)))
    one, two = found
    print("missing on two ranks:", sorted(set(one) - set(two))[:3] or "nothing")
    worst = max((abs(one[key] - two[key]), key) for key in set(one) & set(two))
    print(f"largest difference: {worst[0]:.3g}, in {worst[1][0]}")


def values_of(folder: Path, ranks: int) -> Iterator[tuple[tuple[str, int], float]]:
    for rank in range(ranks):
        tensors = load_file(folder / "out" / f"values-{rank}.safetensors")
        for name in {key.rpartition(".")[0] for key in tensors}:
            pairs = zip(tensors[f"{name}.which"].tolist(), tensors[f"{name}.values"].tolist(), strict=True)
            yield from (((name, which), value) for which, value in pairs)


def draw_job(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "out").mkdir()
    torch.manual_seed(0)
    settings = {"vocab": 64, "width": 256, "blocks": 12, "heads": 4, "sequence": 16, "batch": 4, "steps": 3}
    (folder / "data" / "job.json").write_text(json.dumps({**settings, "rate": 0.003, "seed": 7}))
    save_file({f"step_{step}": torch.randint(64, (4, 17)) for step in range(3)}, folder / "data" / "tokens.safetensors")
    shapes = {name: p.shape for name, p in skeleton(settings).named_parameters()}
    save_file(
        {name: torch.randint(shape.numel(), (8,)) for name, shape in shapes.items()},
        folder / "data" / "probes.safetensors",
    )


def start(program: Path, work: Path, ranks: int) -> list[int]:
    """Start the ranks as the judge does, wait for them, and return the peak memory of each in bytes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {"REHEARSAL": str(work), "WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    each = [
        subprocess.Popen([sys.executable, program], env={**os.environ, **shared, "RANK": str(rank)})
        for rank in range(ranks)
    ]
    peaks = []
    for process in each:
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit("a rank failed: its traceback is above")
        peaks.append(usage.ru_maxrss * 1024)
    return peaks
