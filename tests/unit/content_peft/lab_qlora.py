"""Runs in the lab: qlora's judge beside the kit's network and bitsandbytes' own reading. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from bitsandbytes import functional
from bitsandbytes.nn import Linear4bit

from grader.api import Rng, WrongAnswer

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "02_peft_techniques" / "exercises" / "qlora"
SIZES = {"blocks": 4, "width": 64, "rows": 64, "held_out_rows": 32}
NAME = "blocks.0.up.weight"
Arrays = dict[str, np.ndarray]


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
        return float((net(drawn.held_x).prediction - judge.run(drawn.base, drawn.held_x)).abs().max())


def four_bits(weight: torch.Tensor, *, nested: bool, kind: str = "nf4") -> Linear4bit:
    rows, columns = weight.shape
    layer = Linear4bit(
        columns, rows, bias=False, compute_dtype=torch.float32, compress_statistics=nested, quant_type=kind
    )
    layer.load_state_dict({"weight": weight})
    return layer.to("cpu")


def state_of(layer: Linear4bit) -> Arrays:
    """What kit.save_base writes of it."""
    return {NAME.removesuffix("weight") + key: tensor.numpy().copy() for key, tensor in layer.state_dict().items()}


def drawn_weight(rows: int, columns: int) -> torch.Tensor:
    weight: torch.Tensor = judge.normal(Rng.from_seed(2, "weight").numpy(), rows, columns) * 0.1
    return weight


def reading(*, nested: bool, used: bool = False) -> dict[str, Any]:
    """The judge's reading beside bitsandbytes'. `used`: the layer has computed outputs before, which may repack it."""
    weight = drawn_weight(160, 256)  # 640 blocks: the last of three groups of scales is half full
    layer = four_bits(weight, nested=nested)
    if used:
        with torch.no_grad():
            layer.eval()(torch.ones(1, 256))
    state = state_of(layer)
    theirs = functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    ours = judge.read_matrix(state, NAME, weight)
    return {
        "problem": judge.find_base_problem(state, {NAME: weight}),
        "difference": float((ours - theirs).abs().max()),
        "error": judge.max_error({NAME: ours}, {NAME: weight}),
        "bits": 8
        * sum(a.nbytes for n, a in state.items() if "quant_map" not in n and "state" not in n)
        / weight.numel(),
    }


def base_problems() -> dict[str, str]:
    weight = drawn_weight(64, 128)
    state = state_of(four_bits(weight, nested=True))
    single = state_of(four_bits(weight, nested=False))
    codes, absmax, levels = state[NAME], single[f"{NAME}.absmax"], state[f"{NAME}.quant_map"]
    description = f"{NAME}.{judge.STATE}"
    files: dict[str, Arrays] = {
        "single": single,
        "double": state,
        "wide": {NAME: weight.numpy()},
        "half": {NAME: weight.half().numpy()},
        "nothing": {},
        "a tensor more": {**state, "rest": absmax},
        "no levels": {name: array for name, array in state.items() if not name.endswith(".quant_map")},
        "fp4": state_of(four_bits(weight, nested=True, kind="fp4")),
        "16 bits as codes": {**state, NAME: weight.half().view(torch.uint8).reshape(-1, 1).numpy()},
        "wide codes": {**state, NAME: codes.astype(np.uint16)},
        "signed codes": {**state, NAME: codes.view(np.int8)},
        "wide scales' codes": {**state, f"{NAME}.absmax": state[f"{NAME}.absmax"].astype(np.uint32)},
        "scales are whole numbers": {**single, f"{NAME}.absmax": absmax.astype(np.int32)},
        "blocks of 32": {**single, f"{NAME}.absmax": np.repeat(absmax, 2)},
        "a scale is NaN": {**single, f"{NAME}.absmax": absmax * np.float32("nan")},
        "other levels": {**state, f"{NAME}.quant_map": np.linspace(-1, 1, 16, dtype=np.float32)},
        "long description": {**state, description: np.zeros(2000, dtype=np.uint8)},
        "another type": {**state, description: described(state, quant_type="fp4")},
        "another shape": {**state, description: described(state, shape=[128, 64])},
        "other groups": {**state, description: described(state, nested_blocksize=128)},
        "no JSON": {**state, description: np.frombuffer(b"[" * 900, dtype=np.uint8)},
        "no object": {**state, description: np.frombuffer(b"[1]", dtype=np.uint8)},
    }
    assert levels.shape == (16,)
    return {
        title: said(lambda file=file: judge.find_base_problem(file, {NAME: weight})) for title, file in files.items()
    }


def described(state: Arrays, **changes: object) -> np.ndarray:
    facts = judge.read_description(state[f"{NAME}.{judge.STATE}"])
    return np.frombuffer(json.dumps({**facts, **changes}).encode(), dtype=np.uint8)


def said(ask: Any) -> str:
    try:
        return str(ask())
    except WrongAnswer as error:
        return f"WrongAnswer: {error}"


def offsets() -> dict[str, str]:
    """What the judge makes of a mean of the scales that is none."""
    files = {"text": '{"nested_offset": "1"}', "truth": '{"nested_offset": true}', "NaN": '{"nested_offset": NaN}'}
    files |= {"huge": '{"nested_offset": 1e300}', "missing": "{}", "fine": '{"nested_offset": 0.25}'}
    return {
        title: said(lambda text=text: judge.read_offset(np.frombuffer(text.encode(), dtype=np.uint8)))
        for title, text in files.items()
    }


def absurd() -> float:
    """The error of a base whose scales overflow, and which therefore holds a NaN where the level is 0."""
    weight = drawn_weight(64, 128)
    state = state_of(four_bits(weight, nested=True))
    state[f"{NAME}.nested_absmax"] = np.full_like(state[f"{NAME}.nested_absmax"], 3e38)
    state[f"{NAME}.nested_quant_map"] = np.full_like(state[f"{NAME}.nested_quant_map"], 10)
    return float(
        judge.max_error({"fine": weight, NAME: judge.read_matrix(state, NAME, weight)}, {"fine": weight, NAME: weight})
    )


def scores() -> dict[str, float]:
    """Explained: 0 without an adapter, 1 with the change itself, and a bound for anything mad."""
    drawn, again, other = task(2), task(2), task(4)
    zeros = judge.merged(drawn.base, {})
    return {
        "base": judge.explained(drawn, zeros),
        "mad": judge.explained(drawn, {name: weight * 1e30 for name, weight in drawn.base.items()}),
        "plain": judge.explained(drawn, judge.train_plain(Rng.from_seed(5, "plain"), drawn, 60)),
        "same seed": float(torch.equal(drawn.wanted, again.wanted)),
        "other seed": float(torch.equal(drawn.wanted, other.wanted)),
    }


def change() -> dict[str, Any]:
    draw = Rng.from_seed(3, "change").numpy()
    weight = judge.normal(draw, 64, 64)
    values = torch.linalg.svdvals(judge.draw_change(draw, weight, 5)) / torch.linalg.matrix_norm(weight, 2)
    spread = torch.linalg.svdvals(judge.draw_inputs(draw, 4000, 64))
    return {
        "values": values[:5].tolist(),
        "rest": float(values[5:].max()),
        "second": float(spread[1] / spread[0]),
        "mean_square": float(spread.square().sum() / (4000 * 64)),
    }


def merging() -> float:
    """Merging against adding B A one element at a time."""
    base = {NAME: torch.randn(4, 6)}
    down, up = torch.randn(3, 6), torch.randn(4, 3)
    found = judge.merged(base, {"blocks.0.up.lora_A": down, "blocks.0.up.lora_B": up})[NAME]
    by_hand = [[sum(float(up[i, k] * down[k, j]) for k in range(3)) for j in range(6)] for i in range(4)]
    return float((found - base[NAME] - torch.tensor(by_hand)).abs().max())


def problems() -> dict[str, str]:
    base = {NAME: torch.zeros(4, 6)}
    down, up = "blocks.0.up.lora_A", "blocks.0.up.lora_B"
    files = {
        "pair": {down: torch.ones(2, 6), up: torch.ones(4, 2)},
        "nothing": {},
        "no partner": {down: torch.ones(2, 6)},
        "ranks differ": {down: torch.ones(3, 6), up: torch.ones(4, 2)},
        "rank nine": {down: torch.ones(9, 6), up: torch.ones(4, 9)},
        "unknown module": {"blocks.9.up.lora_A": torch.ones(2, 6)},
        "a whole matrix": {NAME: torch.ones(4, 6)},
        "not finite": {down: torch.full((2, 6), torch.nan), up: torch.ones(4, 2)},
        "whole numbers": {down: torch.ones(2, 6, dtype=torch.int32), up: torch.ones(4, 2)},
    }
    return {title: judge.find_problem(file, base) for title, file in files.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    facts = {
        "networks": networks(),
        "reading": {
            "single": reading(nested=False),
            "double": reading(nested=True),
            "double, used": reading(nested=True, used=True),
        },
        "base_problems": base_problems(),
        "offsets": offsets(),
        "absurd": absurd(),
        "scores": scores(),
        "change": change(),
        "merging": merging(),
        "problems": problems(),
    }
    print(json.dumps(facts))
