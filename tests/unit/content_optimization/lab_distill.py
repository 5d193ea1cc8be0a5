"""Runs in the lab: the judge of distill beside torch's own modules and brute force. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from grader.api import Rng, WrongAnswer

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "03_model_optimization" / "exercises" / "distill"


def load(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXERCISE / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


judge = load("judge", "judge.py")
kit = load("kit", "starter/kit.py")
sys.modules["kit"] = kit
solution = load("solution", "solution/train.py")
SIZES = (judge.INPUTS, 12, 10, judge.CLASSES)


def arrays_of(network: torch.nn.Module) -> dict[str, Any]:
    return {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}


def network() -> dict[str, Any]:
    """The kit's network, its file, and the judge's reading of it are the same function of the same size."""
    torch.manual_seed(0)
    theirs, x = kit.Network(*SIZES), torch.randn(50, judge.INPUTS)
    ours = judge.to_layers(arrays_of(theirs))
    again, problem = judge.accept(judge.to_file(ours))
    with torch.no_grad():
        apart = [(theirs(x) - judge.run(layers, x)).abs().max().item() for layers in (ours, again)]
    return {"apart": apart, "problem": problem, "counts": [judge.count(ours), kit.count(theirs)]}


def divergences() -> dict[str, float]:
    """By the definition, term by term; and for a student that has no answer."""
    torch.manual_seed(1)
    wanted, found = torch.randn(6, 8) * 3, torch.randn(6, 8)
    p, q = wanted.double().softmax(1).tolist(), found.double().softmax(1).tolist()
    by_hand = [sum(a * math.log(a / b) for a, b in zip(one, two, strict=True)) for one, two in zip(p, q, strict=True)]
    ours = judge.divergence(wanted, found)
    return {
        "difference": float((ours - torch.tensor(by_hand)).abs().max()),
        "to itself": float(judge.divergence(wanted, wanted).abs().max()),
        "of infinite logits": float(judge.divergence(wanted, torch.full((6, 8), math.inf)).max()),
    }


def refusal(**changes: Any) -> str:
    arrays = {**arrays_of(kit.Network(*SIZES)), **changes}
    try:
        judge.to_layers({name: array for name, array in arrays.items() if array is not None})
    except WrongAnswer as error:
        return str(error)
    return ""


def refusals() -> dict[str, str]:
    ones = np.ones
    nan = ones(12, np.float32) * np.nan
    deep = {f"layers.{n}.{kind}": ones((8, 8), np.float32) for n in range(9) for kind in ("weight", "bias")}
    return {
        "fine": refusal(),
        "no bias": refusal(**{"layers.1.bias": None}),
        "a hole": refusal(**{"layers.1.weight": None, "layers.1.bias": None}),
        "more": refusal(teacher=ones(3, np.float32)),
        "deep": refusal(**deep),
        "half": refusal(**{"layers.0.bias": ones(12, np.float16)}),
        "nan": refusal(**{"layers.0.bias": nan}),
        "large": refusal(**{"layers.0.bias": ones(12, np.float32) * 1e5}),
        "transposed": refusal(**{"layers.0.weight": ones((24, 12), np.float32)}),
        "nine classes": refusal(**{"layers.2.weight": ones((9, 10), np.float32), "layers.2.bias": ones(9, np.float32)}),
        "no width": refusal(**{"layers.0.weight": ones((0, 24), np.float32), "layers.0.bias": ones(0, np.float32)}),
        "a number": refusal(**{"layers.0.bias": np.float32(1).reshape(())}),
    }


def task() -> dict[str, Any]:
    """Rows lie around centres whose class they have; another run has another task."""
    one, other = (judge.Task(Rng.from_seed(seed, "task")) for seed in (1, 2))
    found = one.draw(Rng.from_seed(1, "rows"), 2000)
    nearest = torch.cdist(found.rows, torch.from_numpy(one.centres).float()).argmin(1)
    owners = torch.from_numpy(one.owners)
    return {
        "nearest": (owners[nearest] == found.labels).double().mean().item(),
        "classes": sorted(set(found.labels.tolist())),
        "clusters of a class": sorted(np.bincount(one.owners).tolist()),
        "drawn anew": bool((one.centres != other.centres).all()),
    }


def control() -> dict[str, float]:
    """Where it has the labels, the control comes near the teacher: it is no straw man."""
    task, generator = judge.Task(Rng.from_seed(5, "task")), torch.Generator().manual_seed(0)
    few, many, hidden = (
        task.draw(Rng.from_seed(5, name), rows) for name, rows in (("f", 100), ("m", 8000), ("h", 1000))
    )
    teacher = judge.draw_layers((judge.INPUTS, 64, judge.CLASSES), generator)
    for _ in judge.descend(teacher, many, 128, 3e-3, generator, 300):
        pass
    teacher = [(weight.detach(), bias.detach()) for weight, bias in teacher]
    rng = Rng.from_seed(5, "control")
    return {
        "few": judge.train_control(teacher, few, hidden, teacher, rng),
        "many": judge.train_control(teacher, many, hidden, teacher, rng),
    }


def soft_loss() -> dict[str, float]:
    """The gradient keeps its size from one temperature to another, as the lesson says; without the factor it falls."""
    torch.manual_seed(2)
    teacher, sizes = torch.randn(64, 8), {}
    for temperature in (20.0, 80.0):
        vars(solution)["TEMPERATURE"] = temperature
        student = torch.zeros(64, 8, requires_grad=True)
        solution.soft_loss(student, teacher).backward()
        assert student.grad is not None
        sizes[temperature] = student.grad.norm().item()
    return {"ratio": sizes[80.0] / sizes[20.0]}


json.dump(
    {
        "network": network(),
        "divergences": divergences(),
        "refusals": refusals(),
        "task": task(),
        "control": control(),
        "soft_loss": soft_loss(),
        "gaps": [judge.closed_gap(0.9, 0.6), judge.closed_gap(0.6, 0.6), judge.closed_gap(1.0, 1.0)],
        "teacher": judge.count(judge.draw_layers(judge.TEACHER, torch.Generator())),
    },
    sys.stdout,
)
