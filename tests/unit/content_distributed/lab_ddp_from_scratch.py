"""Runs in the lab: ddp_from_scratch's judge on programs in threads instead of boxes, and its reader. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from torch import nn

from grader.api import Rng, WrongAnswer

EXERCISE = Path(__file__).resolve().parents[3] / "lessons/01_distributed_training/exercises/ddp_from_scratch"


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
    """A bench whose candidates are fresh copies of job.py with this ddp.py, in threads of this process."""

    def __init__(self, folder: str, ranks: int, steps: int, seed: int = 1) -> None:
        self.folder, self.rng = EXERCISE / folder, Rng.from_seed(seed, "test")
        self.sizes = {"ranks": ranks, "steps": steps, "batch": 16}
        self.metrics: dict[str, float] = {}
        self.checks: dict[str, bool] = {}

    def candidate(self) -> SimpleNamespace:
        module(EXERCISE / "starter" / "wire.py")
        job = module(EXERCISE / "starter" / "job.py")
        module(self.folder / "ddp.py")
        return SimpleNamespace(call=lambda name, *arguments, timeout_s: getattr(job, name)(*arguments))

    def metric(self, name: str, value: float, **_: object) -> None:
        self.metrics[name] = value

    def check(self, name: str, ok: bool, _feedback: str) -> None:
        self.checks[name] = bool(ok)

    def progress(self, _text: str, _done: float | None = None) -> None: ...


def graded(folder: str, ranks: int = 2, steps: int = 2, seed: int = 1) -> dict[str, Any]:
    bench = Recorder(folder, ranks, steps, seed)
    judge.judge(bench)
    return {"metrics": bench.metrics, "failed": sorted(name for name, ok in bench.checks.items() if not ok)}


def refusal(message: object) -> str:
    try:
        judge.read_message(message)
    except WrongAnswer as error:
        return str(error)
    return ""


def launch(**changes: object) -> dict[str, object]:
    good = {"number": 0, "op": "all_reduce", "root": 0, "size": 3, "values": np.ones(3, np.float32)}
    return {"kind": "flush", "launches": [{**good, **changes}]}


def against_modules() -> float:
    """Largest difference between our gradient and that of job.py's model with the same gates."""
    module(EXERCISE / "starter" / "wire.py")
    job = module(EXERCISE / "starter" / "job.py")
    task = judge.draw_task(Rng.from_seed(5, "test"), {"ranks": 1, "steps": 1, "batch": 16})
    model = job.Model(SimpleNamespace(ask=lambda _kind, block: float(task.gates[0, block])))
    model.load_state_dict({**task.starts[0], "head.weight": task.starts[0]["embed.weight"]})
    nn.functional.cross_entropy(model(task.words[0, 0]), task.targets[0, 0]).backward()
    weights = {name: tensor.clone().requires_grad_() for name, tensor in task.starts[0].items()}
    logits = judge.forward(weights, task.words[0, 0], task.gates[0])
    nn.functional.cross_entropy(logits, task.targets[0, 0]).backward()
    return max(
        float((parameter.grad - weights[name].grad).abs().max())
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    )


def bytes_by_brute_force() -> list[int]:
    """What three steps need, by our formula and by the model's own parameters."""
    job = sys.modules["job"]
    model = job.Model(None)
    task = judge.draw_task(Rng.from_seed(5, "test"), {"ranks": 1, "steps": 3, "batch": 1})
    every = sum(p.nbytes for p in model.parameters())
    trained = sum(p.nbytes for p in model.parameters() if p.requires_grad)
    return [judge.needed_bytes(task), every + 3 * trained]


def combined() -> dict[str, Any]:
    values = [np.float32([1, 2]), np.float32([10, 20]), np.float32([100, 200])]
    summed = [judge.Launch("all_reduce", 0, 2, part, early=False) for part in values]
    given = [judge.Launch("broadcast", 1, 2, part, early=False) for part in values]
    owned = [judge.Launch("reduce", 2, 2, part, early=False) for part in values]
    try:
        judge.combine([summed[0], given[1]], 7, 0)
        other = ""
    except judge.Mismatch as mismatch:
        other = str(mismatch)
    return {
        "sum": judge.combine(summed, 0, 0).tolist(),
        "source": judge.combine(given, 0, 0).tolist(),
        "owner": judge.combine(owned, 0, 2).tolist(),
        "others": judge.combine(owned, 0, 0).tolist(),
        "mismatch": other,
    }


print(
    json.dumps(
        {
            "solution": [graded("solution"), graded("solution", ranks=4, seed=2)],
            "starter": graded("starter"),
            "late": graded("wrong/waits_until_the_end"),
            "hangs": graded("wrong/one_rank_only"),
            "gradient": against_modules(),
            "bytes": bytes_by_brute_force(),
            "combined": combined(),
            "refusals": {
                "words": refusal("launch"),
                "unknown": refusal({"kind": "pass", "launches": []}),
                "extra": refusal({"kind": "end", "launches": [], "passed": True}),
                "negative": refusal({"kind": "wait", "launches": [], "number": -1}),
                "truth": refusal({"kind": "wait", "launches": [], "number": True}),
                "double": refusal(launch(values=np.ones(3))),
                "stranger": refusal(launch(op="gather")),
                "no launch": refusal({"kind": "flush", "launches": [7]}),
                "a good one": refusal(launch()),
            },
        }
    )
)
