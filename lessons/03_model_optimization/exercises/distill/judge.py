"""Draws a task, trains a teacher for it, hands out its weights with few labels, and examines the student that returns.

The task is a mixture of clusters, drawn for each run: so nobody can bring a student along. The teacher sees many
labelled rows; the program gets a few of them, many rows without labels, and the teacher. The student comes back as a
file of plain layers, and we run it ourselves on rows that were in no box. The control has the student's own shape and
is trained here, on the labels alone, for as long as serves it best on the very rows that it is examined with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from grader.api import Bench, Rng, WrongAnswer, mean_ci95, read_safetensors, write_safetensors

INPUTS, CLASSES, CLUSTERS = 24, 8, 64
SPREAD = 1.0  # of a cluster, as of the centres: neighbours overlap, and one label in twelve surprises the teacher
TEACHER = (INPUTS, 256, 256, CLASSES)
TEACHER_ROWS, TEACHER_STEPS, TEACHER_BATCH = 40_000, 400, 256
MAX_BYTES = 1024 * 1024
MOST_LAYERS = 8
LARGEST = 1e4  # of a weight: a trained one is below 10
CONTROL_STEPS, CONTROL_BATCH, LOOK_EVERY = 400, 64, 25
WORST = 20.0  # nats; a divergence is not shown beyond this

Array = Any  # numpy.ndarray, without asking the annotation to run
Layers = list[tuple[Tensor, Tensor]]  # weight (outputs, inputs) and bias of each


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    bench.progress("training a teacher", 0.1)
    task = Task(bench.rng.child("task"))
    teacher = train_teacher(task, bench.rng.child("teacher"))
    labelled = task.draw(bench.rng.child("labelled"), int(bench.sizes["labelled"]))
    unlabelled = task.draw(bench.rng.child("unlabelled"), int(bench.sizes["unlabelled"])).rows
    hidden = task.draw(bench.rng.child("hidden"), int(bench.sizes["hidden"]))
    bench.progress("your program trains a student", 0.3)
    files = {
        "data/teacher.safetensors": to_file(teacher),
        "data/rows.safetensors": write_safetensors(
            {"unlabelled": unlabelled.numpy(), "labelled": labelled.rows.numpy(), "labels": labelled.labels.numpy()}
        ),
    }
    result = bench.candidate().train(files=files, outputs={"student.safetensors": MAX_BYTES})
    student, problem = accept(result.artefacts["student.safetensors"])
    bench.check("format", not problem, problem)
    bench.metric("train_cpu_s", result.usage.cpu_s)
    if problem:
        return
    bench.metric("size_ratio", count(student) / count(teacher), provenance="recomputed")
    bench.progress("training the control", 0.9)
    control = train_control(student, labelled, hidden, teacher, bench.rng.child("control"))
    report(bench, teacher, student, control, hidden)


def report(bench: Bench, teacher: Layers, student: Layers, control: float, hidden: Rows) -> None:
    """`control`: the agreement that the student's shape reaches from labels alone."""
    wanted, found = run(teacher, hidden.rows), run(student, hidden.rows)
    agrees = (wanted.argmax(1) == found.argmax(1)).double()
    apart = divergence(wanted, found).clamp(max=WORST)
    agreement = agrees.mean().item()
    accuracies = [share_right(logits, hidden.labels) for logits in (wanted, found)]
    bench.log(f"of the hidden labels the teacher has {accuracies[0]:.1%}, your student {accuracies[1]:.1%}")
    bench.log(f"the same shape, trained on the labels alone, agrees with the teacher on {control:.1%}")
    metric = partial(bench.metric, samples=len(agrees), provenance="recomputed")
    metric("agreement", agreement, ci95=mean_ci95(agrees.tolist()))
    metric("divergence", apart.mean().item(), ci95=mean_ci95(apart.tolist()))
    metric("gain", closed_gap(agreement, control))


def closed_gap(agreement: float, control: float) -> float:
    """Which part of the control's disagreements with the teacher is gone; a control without any leaves none."""
    return (agreement - control) / (1 - control) if control < 1 else 0.0


# The task


class Rows(NamedTuple):
    rows: Tensor
    labels: Tensor


class Task:
    """Clusters in a space of 24 measurements; each belongs to a class."""

    def __init__(self, rng: Rng) -> None:
        draw = rng.numpy()
        self.centres = draw.normal(size=(CLUSTERS, INPUTS))
        self.owners = draw.permutation(CLUSTERS) % CLASSES

    def draw(self, rng: Rng, count: int) -> Rows:
        draw = rng.numpy()
        which = draw.integers(0, CLUSTERS, count)
        rows = self.centres[which] + SPREAD * draw.normal(size=(count, INPUTS))
        return Rows(torch.from_numpy(rows.astype(np.float32)), torch.from_numpy(self.owners[which].astype(np.int64)))


# Networks: linear layers with a ReLU between them


def run(layers: Layers, x: Tensor) -> Tensor:
    for number, (weight, bias) in enumerate(layers):
        x = F.linear(x if number == 0 else x.relu(), weight, bias)
    return x


def draw_layers(sizes: Sequence[int], generator: torch.Generator) -> Layers:
    """He's start, without biases."""
    layers = []
    for inputs, outputs in pairwise(sizes):
        weight = torch.randn(outputs, inputs, generator=generator) * (2 / inputs) ** 0.5
        layers.append((weight.requires_grad_(), torch.zeros(outputs, requires_grad=True)))
    return layers


def count(layers: Layers) -> int:
    return sum(weight.numel() + bias.numel() for weight, bias in layers)


def descend(
    layers: Layers, rows: Rows, batch: int, rate: float, generator: torch.Generator, steps: int
) -> Iterator[int]:
    """Adam on the labels; yields the step that was done."""
    optimizer = torch.optim.Adam([tensor for layer in layers for tensor in layer], lr=rate)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - step / steps)
        some = torch.randint(len(rows.rows), (batch,), generator=generator)
        optimizer.zero_grad()
        F.cross_entropy(run(layers, rows.rows[some]), rows.labels[some]).backward()
        optimizer.step()
        yield step + 1


def train_teacher(task: Task, rng: Rng) -> Layers:
    generator = torch.Generator().manual_seed(rng.integers(0, 2**31))
    layers = draw_layers(TEACHER, generator)
    rows = task.draw(rng.child("rows"), TEACHER_ROWS)
    for _ in descend(layers, rows, TEACHER_BATCH, 3e-3, generator, TEACHER_STEPS):
        pass
    return [(weight.detach(), bias.detach()) for weight, bias in layers]


def train_control(student: Layers, labelled: Rows, hidden: Rows, teacher: Layers, rng: Rng) -> float:
    """The best agreement, on the hidden rows, of the student's shape on its way through the labels."""
    generator = torch.Generator().manual_seed(rng.integers(0, 2**31))
    layers = draw_layers([student[0][0].shape[1], *(len(bias) for _, bias in student)], generator)
    wanted, best = run(teacher, hidden.rows).argmax(1), 0.0
    for step in descend(layers, labelled, CONTROL_BATCH, 3e-3, generator, CONTROL_STEPS):
        if step % LOOK_EVERY == 0:
            with torch.no_grad():
                best = max(best, share_right(run(layers, hidden.rows), wanted))
    return best


def share_right(logits: Tensor, labels: Tensor) -> float:
    return (logits.argmax(1) == labels).double().mean().item()


def divergence(wanted: Tensor, found: Tensor) -> Tensor:
    """KL(teacher || student) of each row, in nats."""
    p, q = wanted.double().log_softmax(1), found.double().log_softmax(1)
    return (p.exp() * (p - q)).sum(1).nan_to_num(nan=WORST)


# Files


def to_file(layers: Layers) -> bytes:
    arrays = {}
    for number, (weight, bias) in enumerate(layers):
        arrays |= {f"layers.{number}.weight": weight.numpy(), f"layers.{number}.bias": bias.numpy()}
    return write_safetensors(arrays)


def accept(data: bytes) -> tuple[Layers, str]:
    """The student's layers, or what is wrong with the file."""
    try:
        arrays = read_safetensors(data)
        return to_layers(arrays), ""
    except WrongAnswer as error:
        return [], error.message


def to_layers(arrays: Mapping[str, Array]) -> Layers:
    """A closed list of names, shapes that follow from each other, finite float32. Raises WrongAnswer."""
    numbers = sorted({int(found[1]) for name in arrays if (found := re.fullmatch(r"layers\.([0-9])\.weight", name))})
    wanted = {f"layers.{number}.{kind}" for number in range(len(numbers)) for kind in ("weight", "bias")}
    if set(arrays) != wanted or not 1 <= len(numbers) <= MOST_LAYERS:
        raise WrongAnswer(f"it must hold layers.0.weight, layers.0.bias, layers.1.weight, …: 1 to {MOST_LAYERS} layers")
    layers, width = Layers(), INPUTS
    for number in range(len(numbers)):
        weight, bias = arrays[f"layers.{number}.weight"], arrays[f"layers.{number}.bias"]
        outputs = CLASSES if number == len(numbers) - 1 else len(bias) if bias.ndim == 1 else 0
        if weight.shape != (outputs, width) or bias.shape != (outputs,) or not outputs:
            shapes = f"a weight of {weight.shape} and a bias of {bias.shape}"
            raise WrongAnswer(
                f"layer {number} has {shapes}; {width} numbers come in, and {CLASSES} must leave the last"
            )
        for array in (weight, bias):
            if array.dtype != np.float32 or not (np.abs(array) < LARGEST).all():  # false for NaN, too
                raise WrongAnswer(f"layer {number} must hold float32 numbers, finite and below {LARGEST:g}")
        layers.append((torch.from_numpy(weight), torch.from_numpy(bias)))
        width = outputs
    return layers
