"""Runs in the lab: adalora's judge beside the kit's network and brute force. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from grader.api import Rng

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "02_peft_techniques" / "exercises" / "adalora"
SIZES = {"blocks": 3, "width": 32, "rows": 64, "held_out_rows": 32}


def load(name: str, folder: str = ".") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXERCISE / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


judge, kit = load("judge"), load("kit", "starter")


def task(seed: int) -> Any:
    return judge.draw_task(Rng.from_seed(seed, "task"), SIZES)


def networks() -> float:
    """The judge's network against the kit's, with the same weights."""
    drawn = task(1)
    net = kit.Net(SIZES["width"], SIZES["blocks"])
    net.load_state_dict(drawn.base)
    with torch.no_grad():
        return (net(drawn.held_x).prediction - judge.run(drawn.base, drawn.held_x)).abs().max().item()


def changes() -> dict[str, Any]:
    """Rank and size of a drawn change, and the ranks of many runs."""
    draw = Rng.from_seed(3, "change").numpy()
    weight = judge.normal(draw, 32, 32)
    values = torch.linalg.svdvals(judge.draw_change(draw, weight, 5)) / torch.linalg.matrix_norm(weight, 2)
    ranks = {n: [judge.draw_ranks(Rng.from_seed(seed, "ranks"), n) for seed in range(50)] for n in (12, 16)}
    return {
        "values": values[:5].tolist(),
        "rest": values[5:].max().item(),
        "most": {str(n): max(map(sum, drawn)) for n, drawn in ranks.items()},
        "least": min(min(each) for drawn in ranks.values() for each in drawn),
        "kinds": len({tuple(each) for each in ranks[12]}),
    }


def scores() -> dict[str, float]:
    """Explained: 0 without an adapter, 1 with the change itself, and a bound for anything mad."""
    drawn = task(2)
    zero = judge.explained(drawn, drawn.base)
    mad = judge.explained(drawn, {name: weight * 1e20 for name, weight in drawn.base.items()})
    again, other = task(2), task(4)
    return {
        "base": zero,
        "mad": mad,
        "same seed": float(torch.equal(drawn.wanted, again.wanted)),
        "other seed": float(torch.equal(drawn.wanted, other.wanted)),
        "fixed": judge.explained(drawn, judge.train_fixed(Rng.from_seed(5, "fixed"), drawn, 60)),
    }


def merging() -> dict[str, Any]:
    """Merging against adding B A one element at a time; and ranks counted."""
    base = {"blocks.0.up.weight": torch.randn(4, 4), "blocks.0.down.weight": torch.randn(4, 4)}
    down, up = torch.randn(3, 4), torch.randn(4, 3)
    adapter = {"blocks.0.up.lora_A": down, "blocks.0.up.lora_B": up}
    by_hand = [[sum(float(up[i, k] * down[k, j]) for k in range(3)) for j in range(4)] for i in range(4)]
    after = judge.merged(base, adapter)
    change = after["blocks.0.up.weight"] - base["blocks.0.up.weight"]
    return {
        "difference": (change - torch.tensor(by_hand)).abs().max().item(),
        "rest": torch.equal(after["blocks.0.down.weight"], base["blocks.0.down.weight"]),
        "ranks": judge.count_ranks(adapter),
    }


def problems() -> dict[str, str]:
    base = {"blocks.0.up.weight": torch.zeros(4, 6)}
    name = "blocks.0.up"
    files = {
        "pair": {f"{name}.lora_A": torch.ones(2, 6), f"{name}.lora_B": torch.ones(4, 2)},
        "nothing": {},
        "no partner": {f"{name}.lora_A": torch.ones(2, 6)},
        "ranks differ": {f"{name}.lora_A": torch.ones(3, 6), f"{name}.lora_B": torch.ones(4, 2)},
        "rank zero": {f"{name}.lora_A": torch.ones(0, 6), f"{name}.lora_B": torch.ones(4, 0)},
        "unknown module": {"blocks.9.up.lora_A": torch.ones(2, 6)},
        "singular values": {f"{name}.lora_E": torch.ones(2, 1)},
        "not finite": {f"{name}.lora_A": torch.full((2, 6), torch.inf), f"{name}.lora_B": torch.ones(4, 2)},
        "whole numbers": {f"{name}.lora_A": torch.ones(2, 6, dtype=torch.int32), f"{name}.lora_B": torch.ones(4, 2)},
    }
    return {title: judge.find_problem(file, base) for title, file in files.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    facts = {
        "networks": networks(),
        "changes": changes(),
        "scores": scores(),
        "merging": merging(),
        "problems": problems(),
    }
    print(json.dumps(facts))
