"""The networks, the data and the files of a run. Read-only: the judge runs your student with its own code.

Run `python train.py` by yourself and `launch` rehearses the exercise on a task of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

WORK = Path(os.environ.get("REHEARSAL", "/work"))
INPUTS, CLASSES = 24, 8

torch.set_num_threads(1)


class Network(nn.Module):
    """Linear layers with a ReLU between them: Network(24, 80, 80, 8) has three."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in zip(sizes, sizes[1:], strict=False))

    def forward(self, x: Tensor) -> Tensor:
        for number, layer in enumerate(self.layers):
            x = layer(x if number == 0 else x.relu())
        return x


class Data(NamedTuple):
    """Rows have 24 measurements, labels are classes from 0 to 7."""

    unlabelled: Tensor
    labelled: Tensor
    labels: Tensor


def read_data() -> Data:
    tensors = load_file(WORK / "data" / "rows.safetensors")
    return Data(*(tensors[name] for name in Data._fields))


def read_teacher() -> Network:
    return read_network(WORK / "data" / "teacher.safetensors")


def read_network(path: Path) -> Network:
    state = load_file(path)
    weights = [state[f"layers.{number}.weight"] for number in range(len(state) // 2)]
    network = Network(weights[0].shape[1], *(len(weight) for weight in weights))
    network.load_state_dict(state)
    return network.requires_grad_(requires_grad=False)


def save_student(student: Network) -> None:
    folder = WORK / "out"
    folder.mkdir(exist_ok=True)
    save_file(student.state_dict(), folder / "student.safetensors")


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def launch(main: Callable[[], None]) -> None:
    """Run `main` on the data of the run; started by hand, where there are none, rehearse."""
    if (WORK / "data").exists():
        main()
    else:
        rehearse(Path(sys.argv[0]))


def rehearse(program: Path) -> None:
    """Draw a task, train a teacher, run the program, and examine the student on rows that it has not seen."""
    torch.manual_seed(0)
    centres, owners = torch.randn(64, INPUTS), torch.randperm(64) % CLASSES
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "data").mkdir()
        rows, labels = draw(centres, owners, 40_000)
        teacher = train_teacher(rows, labels)
        save_file(teacher.state_dict(), work / "data" / "teacher.safetensors")
        few, few_labels = draw(centres, owners, 300)
        data = {"unlabelled": draw(centres, owners, 8_000)[0], "labelled": few, "labels": few_labels}
        save_file(data, work / "data" / "rows.safetensors")
        subprocess.run([sys.executable, program], env={**os.environ, "REHEARSAL": folder}, check=True)
        examine(teacher, read_network(work / "out" / "student.safetensors"), draw(centres, owners, 4_000)[0])


def draw(centres: Tensor, owners: Tensor, number: int) -> tuple[Tensor, Tensor]:
    which = torch.randint(len(centres), (number,))
    return centres[which] + torch.randn(number, INPUTS), owners[which]


def train_teacher(rows: Tensor, labels: Tensor, steps: int = 400) -> Network:
    teacher = Network(INPUTS, 256, 256, CLASSES)
    optimizer = torch.optim.Adam(teacher.parameters(), lr=3e-3)
    for _ in range(steps):
        some = torch.randint(len(rows), (256,))
        optimizer.zero_grad()
        F.cross_entropy(teacher(rows[some]), labels[some]).backward()
        optimizer.step()
    return teacher.requires_grad_(requires_grad=False)


@torch.no_grad()
def examine(teacher: Network, student: Network, rows: Tensor) -> None:
    wanted, found = teacher(rows).log_softmax(1), student(rows).log_softmax(1)
    agreement = (wanted.argmax(1) == found.argmax(1)).float().mean().item()
    divergence = F.kl_div(found, wanted, log_target=True, reduction="batchmean").item()
    print(f"size {count(student) / count(teacher):.3f}, agreement {agreement:.3f}, divergence {divergence:.3f} nats")
