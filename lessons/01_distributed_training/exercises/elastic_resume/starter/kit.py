"""The model, the data and the files of a run. Read-only: the judge uses its own copy of the model.

Run `python train.py` by yourself and `launch` rehearses the whole exercise on drawn data: 4 ranks, then 2, beside 1.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

WORK = Path(os.environ.get("REHEARSAL", "/work"))
CHECKPOINT = WORK / "checkpoint"  # there when an earlier launch was interrupted
OUT = WORK / "out" / "checkpoint"  # where this launch leaves its own

torch.set_num_threads(1)


def job() -> dict:
    """vocab, width, blocks, heads, sequence, batch; rate, warm_up, steps (of the whole training);
    stop: how many steps are done when this launch ends. After step 0 comes step 1: stop 7 means steps 0 to 6."""
    return json.loads((WORK / "data" / "job.json").read_text())


def batch(step: int) -> Tensor:
    """The tokens of one step, (batch, sequence + 1), for all ranks together; every step has its own."""
    with safe_open(WORK / "data" / "tokens.safetensors", framework="pt") as file:
        if f"step_{step}" not in file.keys():  # noqa: SIM118  not a dict
            raise ValueError(f"this machine has no batch of step {step}: is it the step where the run was stopped?")
        return file.get_tensor(f"step_{step}")


def rate(job: dict, step: int) -> float:
    """The learning rate of a step: linear up over `warm_up` steps, then linear down to a tenth at the last."""
    up = min(1.0, (step + 1) / job["warm_up"])
    return job["rate"] * up * (1 - 0.9 * step / job["steps"])


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


def build(job: dict) -> GPT:
    """The model, whole, on every rank. The first launch has the run's initial weights; a later one has noise."""
    torch.manual_seed(0)
    model = GPT(*(job[name] for name in ("vocab", "width", "blocks", "heads", "sequence")))
    if (WORK / "data" / "initial.safetensors").exists():
        model.load_state_dict(load_file(WORK / "data" / "initial.safetensors"))
    return model


def loss_of(model: nn.Module, tokens: Tensor) -> Tensor:
    """Mean cross-entropy of the next token."""
    logits = model(tokens[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def launch(main: Callable[[], None]) -> None:
    """Run `main` as one of the ranks; started by hand, rehearse."""
    if "RANK" not in os.environ:
        return rehearse(Path(sys.argv[0]))
    dist.init_process_group("gloo")
    main()
    dist.destroy_process_group()


def rehearse(program: Path) -> None:
    """Stop at step 7 of 14 on four ranks, resume on two, and compare with one rank that is not interrupted."""
    with tempfile.TemporaryDirectory() as folder:
        whole, part = Path(folder, "whole"), Path(folder, "part")
        draw_job(whole, 14)
        shutil.copytree(whole, part)
        change_job(part, 7)
        start(program, part, 4)
        (part / "out" / "checkpoint").rename(part / "checkpoint")
        sizes = {path.name: path.stat().st_size for path in sorted((part / "checkpoint").iterdir())}
        print("the checkpoint:", *(f"  {name}: {size:,} bytes" for name, size in sizes.items()), sep="\n")
        (part / "data" / "initial.safetensors").unlink()
        change_job(part, 14)
        drop_batches(part, 5)
        start(program, part, 2)
        start(program, whole, 1)
        compare(part / "out" / "checkpoint", whole / "out" / "checkpoint")


def compare(resumed: Path, whole: Path) -> None:
    """Sums of squares do not care how a tensor was cut."""
    one, other = squares(resumed), squares(whole)
    print("only in one of the two:", sorted(set(one) ^ set(other)) or "nothing")
    worst = max(set(one) & set(other), key=lambda name: abs(one[name] - other[name]) / (other[name] + 1e-12))
    print(f"largest difference: {worst}, norm² {one[worst]:.8g} after the resume, {other[worst]:.8g} without a stop")


def squares(folder: Path) -> dict[str, float]:
    totals: dict[str, float] = {}
    for path in folder.glob("*.safetensors"):
        for name, tensor in load_file(path).items():
            totals[name] = totals.get(name, 0.0) + tensor.double().square().sum().item()
    return totals


def draw_job(folder: Path, steps: int) -> None:
    (folder / "data").mkdir(parents=True)
    sizes = {"vocab": 48, "width": 48, "blocks": 2, "heads": 4, "sequence": 16, "batch": 12}
    settings = {**sizes, "rate": 0.01, "warm_up": 3, "steps": steps, "stop": steps}
    (folder / "data" / "job.json").write_text(json.dumps(settings))
    tokens = {f"step_{step}": torch.randint(48, (12, 17)) % (1 + step % 5 * 9) for step in range(steps)}
    save_file(tokens, folder / "data" / "tokens.safetensors")
    model = GPT(48, 48, 2, 4, 16)
    save_file(model.state_dict(), folder / "data" / "initial.safetensors")


def change_job(folder: Path, stop: int) -> None:
    path = folder / "data" / "job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "stop": stop}))


def drop_batches(folder: Path, first: int) -> None:
    """The machines of a later launch have no batches of steps before `first`."""
    path = folder / "data" / "tokens.safetensors"
    batches = load_file(path)
    save_file({f"step_{step}": batches[f"step_{step}"] for step in range(first, len(batches))}, path)


def start(program: Path, work: Path, ranks: int) -> None:
    """Start the ranks as the judge does, and wait for them. Raises SystemExit when one fails."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {"REHEARSAL": str(work), "WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    print(f"{ranks} ranks …", flush=True)
    (work / "out").mkdir(exist_ok=True)
    each = [
        subprocess.Popen([sys.executable, program], env={**os.environ, **shared, "RANK": str(rank)})
        for rank in range(ranks)
    ]
    if any([process.wait() for process in each]):
        raise SystemExit("a rank failed: its traceback is above")
