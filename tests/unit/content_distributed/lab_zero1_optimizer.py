"""Runs in the lab: zero1_optimizer's judge on programs in threads instead of boxes, and its arithmetic. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from grader.api import Rng, WrongAnswer

EXERCISE = Path(__file__).resolve().parents[3] / "lessons/01_distributed_training/exercises/zero1_optimizer"
SIZES = {"vocab": 100, "width": 16, "blocks": 2}


def module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = found
    spec.loader.exec_module(found)
    return found


judge = module(EXERCISE / "judge.py")


class Recorder:
    """A bench whose candidates are fresh copies of job.py with this zero1.py, in threads of this process."""

    def __init__(self, folder: str, ranks: int) -> None:
        self.folder, self.rng = EXERCISE / folder, Rng.from_seed(3, "test")
        self.sizes = {"ranks": ranks, "steps": 3, **SIZES}
        self.metrics: dict[str, float] = {}
        self.checks: dict[str, bool] = {}

    def candidate(self) -> SimpleNamespace:
        module(EXERCISE / "starter" / "wire.py")
        job = module(EXERCISE / "starter" / "job.py")
        module(self.folder / "zero1.py")
        return SimpleNamespace(
            call=lambda name, *arguments, timeout_s: getattr(job, name)(*arguments),
            usage=SimpleNamespace(peak_memory_bytes=0),
            finish=lambda: None,
        )

    def metric(self, name: str, value: Any, **_: object) -> None:
        self.metrics[name] = getattr(value, "value", value)

    def check(self, name: str, ok: bool, _feedback: str = "") -> None:
        self.checks[name] = bool(ok)

    def progress(self, _text: str, _done: float | None = None) -> None: ...


def graded(folder: str, ranks: int = 2) -> dict[str, Any]:
    bench = Recorder(folder, ranks)
    judge.judge(bench)
    return {"metrics": bench.metrics, "failed": sorted(name for name, ok in bench.checks.items() if not ok)}


def refusal(function: Any, *arguments: Any) -> str:
    try:
        function(*arguments)
    except WrongAnswer as error:
        return str(error)
    return ""


def launch(values: Any, number: int = 0, op: str = "reduce", root: int = 0, size: int = 2) -> dict[str, Any]:
    return {"number": number, "op": op, "root": root, "size": size, "values": np.asarray(values, np.float32)}


def exchanged() -> dict[str, Any]:
    exchange = judge.Exchange(2)
    exchange.launch(0, launch([1, 2]))
    early = exchange.take(0, 0)
    exchange.launch(1, launch([10, 20]))
    exchange.launch(0, launch([5, 6], 1, "broadcast"))
    exchange.launch(1, launch([], 1, "broadcast"))
    owner, other = exchange.take(0, 0), exchange.take(1, 0)
    again = refusal(exchange.take, 0, 0)
    try:
        exchange.launch(0, launch([1, 2], 2))
        exchange.launch(1, launch([1, 2], 2, root=1))
        mismatch = ""
    except judge.Mismatch as found:
        mismatch = str(found)
    return {
        "early": early,
        "owner": [values.tolist() for _, values in owner],
        "other": [values.tolist() for _, values in other],
        "again": again,
        "mismatch": mismatch,
        "bytes": exchange.bytes,
        "kept": len(exchange.results),
        "short": refusal(judge.Exchange(2).launch, 0, launch([1])),
        "unknown": refusal(judge.Exchange(2).launch, 0, launch([1, 2], root=2)),
        "order": refusal(judge.Exchange(2).launch, 0, launch([1, 2], 1)),
    }


def formulas() -> dict[str, Any]:
    """Bytes beside those of a real optimizer, and the distance of weights between the start and the end."""
    task = judge.draw_task(Rng.from_seed(3, "test"), {"ranks": 2, "steps": 3, **SIZES})
    weights = [torch.tensor(array).requires_grad_() for array in task.start]
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    optimizer = torch.optim.AdamW(weights)
    optimizer.step()
    counted = sum(tensor.nbytes for state in optimizer.state.values() for tensor in state.values())
    wanted = judge.train_alone(task).values[0]
    start = np.concatenate([array.ravel() for array in task.start])[task.places[0]]
    return {
        "unsharded": [judge.unsharded_bytes(task), counted],
        "needed": [judge.needed_bytes(task), 3 * 2 * sum(weight.nbytes for weight in weights)],
        "same": judge.distance(task, 0, wanted, wanted),
        "start": judge.distance(task, 0, start, wanted),
        "half": judge.distance(task, 0, (start + wanted) / 2, wanted),
        "nan": judge.distance(task, 0, wanted * np.float32("nan"), wanted),
    }


print(
    json.dumps(
        {
            "solution": [graded("solution"), graded("solution", 4)],
            "starter": graded("starter"),
            "whole": graded("wrong/whole_parameters"),
            "half": graded("wrong/cheat_half_precision"),
            "exchange": exchanged(),
            "formulas": formulas(),
            "wire": (EXERCISE / "starter/wire.py").read_text()
            == (EXERCISE.parent / "ddp_from_scratch/starter/wire.py").read_text(),
        }
    )
)
