"""Runs in the lab: multi_adapter's judge with submissions in its own process, on a small base. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from grader.api import Rng, WrongAnswer

EXERCISE = Path(__file__).resolve().parents[3] / "lessons/02_peft_techniques/exercises/multi_adapter"
SIZES = {"hidden": 96, "layers": 2, "adapters": 4, "rows": 24, "batches": 2}


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = found
    spec.loader.exec_module(found)
    return found


class Here:
    """A bench and a candidate without a box."""

    sizes = SIZES
    rng = Rng.from_seed(5)

    def __init__(self, harness: ModuleType) -> None:
        self.harness, self.found = harness, dict[str, float]()

    def candidate(self) -> Here:
        return self

    def call(self, function: str, *arguments: Any, timeout_s: float) -> Any:
        return getattr(self.harness, function)(*arguments)

    def metric(self, name: str, value: float, *, samples: int) -> None:
        self.found[name] = float(value)

    def progress(self, *_: object) -> None:
        pass


def graded(judge: Any, folder: str) -> dict[str, float]:
    module(EXERCISE / folder / "serve.py")
    bench = Here(module(EXERCISE / "starter" / "harness.py"))
    judge.judge(bench)
    return bench.found


def by_torch(judge: Any) -> float:
    """One row by torch's own layers beside the judge's."""
    draw = np.random.default_rng(2)
    base = judge.Base([judge.normal(draw, (8, 8), 0.4) for _ in range(3)], [judge.normal(draw, (8,), 0.1)] * 3)
    adapter = judge.draw_adapters(draw, 1, 3, 8)[0]
    row = judge.normal(draw, (8,), 1.0)
    hidden = torch.from_numpy(row).double()
    for layer in range(3):
        pair = {name: torch.from_numpy(array).double() for name, array in adapter["layers"][layer].items()}
        weight = torch.from_numpy(base.weights[layer]).double() + adapter["scale"] * pair["lora_B"] @ pair["lora_A"]
        hidden = torch.nn.functional.linear(hidden, weight, torch.from_numpy(base.biases[layer]).double())
        hidden = hidden.tanh() if layer < 2 else hidden
    return float(np.abs(judge.alone(base, adapter, row) - hidden.numpy()).max())


def refusals(judge: Any) -> dict[str, str]:
    rows = np.zeros((2, 8), dtype=np.float32)
    answers = {
        "request": {"layer": 0, "rows": rows},
        "layer": {"layer": 3, "rows": rows},
        "true": {"layer": True, "rows": rows},
        "width": {"layer": 0, "rows": rows[:, :7]},
        "doubles": {"layer": 0, "rows": rows.astype(np.float64)},
        "nan": {"layer": 0, "rows": rows + np.float32("nan")},
        "both": {"layer": 0, "rows": rows, "output": rows},
    }
    return {name: refusal(judge, answer) for name, answer in answers.items()}


def refusal(judge: Any, answer: object) -> str:
    try:
        judge.read_request(answer, 3, 8)
    except WrongAnswer as error:
        return error.message
    return ""


def main() -> None:
    torch.set_num_threads(1)
    judge = module(EXERCISE / "judge.py")
    folders = ["starter", "solution", *(f"wrong/{path.name}" for path in (EXERCISE / "wrong").iterdir())]
    facts = {
        "graded": {folder: graded(judge, folder) for folder in folders},
        "by_torch": by_torch(judge),
        "refusals": refusals(judge),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
