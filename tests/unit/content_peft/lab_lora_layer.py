"""Runs in the lab: lora_layer's judge beside autograd, and its dropout test on many draws. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import linear

from grader.api import Rng, WrongAnswer

EXERCISE = Path(__file__).resolve().parents[3] / "lessons/02_peft_techniques/exercises/lora_layer"


def module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def by_autograd(case: Any, target: Any, rate: float, steps: int) -> dict[str, Any]:
    """SGD with autograd's gradients, in 64 bits."""
    w, x, t = (torch.from_numpy(part).double() for part in (case.weight, case.x, target))
    a, b = (torch.from_numpy(case.factors[n]).double().requires_grad_() for n in ("lora_A", "lora_B"))
    bias = None if case.bias is None else torch.from_numpy(case.bias).double()
    for _ in range(steps):
        loss = 0.5 * (linear(x, w, bias) + case.scale * x @ a.T @ b.T - t).square().mean()
        grads = torch.autograd.grad(loss, (a, b))
        with torch.no_grad():
            a -= rate * grads[0]
            b -= rate * grads[1]
    return {"lora_A": a.detach().numpy(), "lora_B": b.detach().numpy()}


def steps(judge: Any) -> float:
    worst = 0.0
    for seed in range(6):
        draw = np.random.default_rng(seed)
        case = judge.draw_case(draw, odd=seed % 2 == 1)
        target = judge.normal(draw, (*case.x.shape[:-1], len(case.weight)), 1.0)
        rate = judge.stable_rate(case)
        found, wanted = judge.descend(case, case.x, target, rate, 4), by_autograd(case, target, rate, 4)
        worst = max(worst, *(judge.difference(found[name], wanted[name]) for name in wanted))
    return worst


def dropout(judge: Any) -> dict[str, list[str]]:
    """What the judge says of right and wrong dropouts."""
    said: dict[str, list[str]] = {"right": [], "none": [], "base_too": [], "other_rate": [], "not_scaled": []}
    for seed in range(12):
        draw = np.random.default_rng(100 + seed)
        case = judge.draw_case(draw, odd=False)
        case = case._replace(spec={**case.spec, "alpha": float(case.spec["rank"])})
        row, rate, count = case.x[0], 0.25, judge.DROP_ROWS
        change = case.scale * case.factors["lora_B"] @ case.factors["lora_A"]
        base = judge.base_layer(case, row[None])
        kept = draw.random((count, len(row))) >= rate
        other = draw.random((count, len(row))) >= 0.5
        outputs = {
            "right": base + (row * kept / (1 - rate)) @ change.T,
            "none": np.repeat(base + row @ change.T, count, axis=0),
            "base_too": judge.base_layer(case, row * kept / (1 - rate)) + (row * kept / (1 - rate)) @ change.T,
            "other_rate": base + (row * other / 0.5) @ change.T,
            "not_scaled": base + (row * kept) @ change.T,
        }
        for name, values in outputs.items():
            said[name].append(judge.find_dropout_problem(case, row, rate, values.astype(np.float32)))
    return said


def fresh(judge: Any) -> dict[str, str]:
    draw = np.random.default_rng(0)
    a, b = judge.normal(draw, (4, 36), 1 / 6), np.zeros((24, 4), dtype=np.float32)
    return {
        "good": judge.find_problem(a, b, []),
        "uniform": judge.find_problem(draw.uniform(-1 / 6, 1 / 6, (4, 36)).astype(np.float32), b, []),
        "b_not_zero": judge.find_problem(a, b + 1e-3, []),
        "a_zero": judge.find_problem(0 * a, b, []),
        "constant": judge.find_problem(np.full_like(a, 1 / 6), b, []),
        "nan": judge.find_problem(a * np.float32("nan"), b, []),
        "again": judge.find_problem(a, b, [a.ravel()[:20]]),
    }


def refusals(judge: Any) -> dict[str, str]:
    case = judge.draw_case(np.random.default_rng(1), odd=True)
    good = {"base.weight": case.weight, **case.factors}
    answers = {
        "good": good,
        "extra": {**good, "hidden": case.weight},
        "missing": {"base.weight": case.weight},
        "full_rank": {**good, "lora_A": np.zeros((24, case.weight.shape[1]), dtype=np.float32)},
        "doubles": {**good, "lora_A": good["lora_A"].astype(np.float64)},
        "text": "passed",
    }
    return {name: refusal(judge, answer, case) for name, answer in answers.items()}


def refusal(judge: Any, answer: object, case: Any) -> str:
    try:
        judge.read_state(answer, case)
    except WrongAnswer as error:
        return error.message
    return ""


def wide(judge: Any) -> bool:
    """The judge's weight of a wide layer is that of the harness."""
    sys.path[:0] = [str(EXERCISE / "solution"), str(EXERCISE / "starter")]
    harness = module(EXERCISE / "starter" / "harness.py")
    size, seed = 128, Rng.from_seed(1).integers(0, 2**60)
    eye = {"lora_A": np.zeros((1, size), dtype=np.float32), "lora_B": np.zeros((size, 1), dtype=np.float32)}
    layers: list[Any] = []
    harness.descend = lambda layer, *_: layers.append(layer)
    x = np.ones((1, size), dtype=np.float32)
    harness.train_wide({"rank": 1, "alpha": 1.0, "dropout": 0.0}, size, seed, eye, x, x, 0.1, 1)
    return bool(np.allclose(layers[0].base.weight.numpy(), judge.draw_wide(size, seed), rtol=1e-6))


def main() -> None:
    torch.set_num_threads(1)
    judge = module(EXERCISE / "judge.py")
    facts = {
        "steps": steps(judge),
        "dropout": dropout(judge),
        "fresh": fresh(judge),
        "refusals": refusals(judge),
        "wide": wide(judge),
        "diverged": judge.difference(np.array([1.0, np.nan]), np.ones(2)),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
