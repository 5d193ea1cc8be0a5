"""Runs in the lab: nf4_linear's judge, kit and solution beside brute force and bitsandbytes. Prints JSON."""

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

from grader.api import Rng

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "02_peft_techniques" / "exercises" / "nf4_linear"
SIZES = {"rows": 100, "columns": 256}


def load(name: str, folder: str = ".") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXERCISE / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


judge, kit, nf4 = load("judge"), load("kit", "starter"), load("nf4", "solution")


def arrays(packed: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in packed.items()}


def plain(weight: np.ndarray, block: int) -> dict[str, np.ndarray]:
    """A packed layer by definition, one weight at a time."""
    codes, scales = [], []
    for values in weight.reshape(-1, block):
        scales.append(np.abs(values).max())
        codes += [int(np.abs(value - judge.LEVELS * scales[-1]).argmin()) for value in values]
    pairs = zip(codes[0::2], codes[1::2], strict=True)
    return {
        "codes": np.array([16 * first + second for first, second in pairs], dtype=np.uint8),
        "absmax": np.array(scales, dtype=np.float32),
    }


def reading() -> dict[str, float]:
    """The judge's reading of both forms against the documented formulas, weight by weight."""
    weight = judge.draw_weight(Rng.from_seed(1, "weight"), {"rows": 4, "columns": 256})
    single, double = plain(weight, 64), arrays(nf4.quantise(torch.from_numpy(weight)))
    worst = {}
    for title, packed, block in (("single", single, 64), ("double", double, 16)):
        read = judge.dequantise(packed)
        by_hand = []
        for place in range(weight.size):
            byte = int(packed["codes"][place // 2])
            code = byte % 16 if place % 2 else byte // 16
            by_hand.append(float(judge.LEVELS[code]) * scale_of(packed, place // block))
        worst[title] = float(np.abs(read - by_hand).max())
    return worst


def scale_of(packed: dict[str, np.ndarray], block: int) -> float:
    if "absmax" in packed:
        return float(packed["absmax"][block])
    step = int(packed["absmax_codes"][block]) - 128
    return float(packed["absmax_mean"][0]) + float(packed["absmax_scales"][block // 256]) * step / 127


def problems() -> dict[str, str]:
    """What the judge says of 1,024 weights packed well and badly."""
    codes, absmax = np.zeros(512, dtype=np.uint8), np.ones(16, dtype=np.float32)
    double = {
        "codes": codes,
        "absmax_codes": np.zeros(16, dtype=np.uint8),
        "absmax_scales": absmax[:1],
        "absmax_mean": absmax[:1],
    }
    answers: dict[str, Any] = {
        "single": {"codes": codes, "absmax": absmax},
        "double": double,
        "no dict": codes,
        "a list in it": {"codes": codes, "absmax": [1.0]},
        "more": {"codes": codes, "absmax": absmax, "weight": absmax},
        "both forms": {**double, "absmax": absmax},
        "signed codes": {"codes": codes.view(np.int8), "absmax": absmax},
        "double precision": {"codes": codes, "absmax": absmax.astype(np.float64)},
        "a matrix": {"codes": codes.reshape(2, -1), "absmax": absmax},
        "not finite": {"codes": codes, "absmax": np.full(16, np.nan, dtype=np.float32)},
        "a byte a weight": {"codes": np.zeros(1024, dtype=np.uint8), "absmax": absmax},
        "no scale": {"codes": codes, "absmax": absmax[:0]},
        "uneven blocks": {"codes": codes, "absmax": absmax[:15]},
        "blocks of four": {"codes": codes, "absmax": np.ones(256, dtype=np.float32)},
        "groups missing": {**double, "absmax_scales": absmax[:0]},
        "two means": {**double, "absmax_mean": absmax[:2]},
    }
    return {title: judge.find_problem(answer, 1024) for title, answer in answers.items()}


def bits(block: int, *, double: bool) -> float:
    """Bits a weight of 2^20 of them, counted on real arrays."""
    blocks = 2**20 // block
    packed = {"codes": np.zeros(2**19, dtype=np.uint8), "absmax": np.zeros(blocks, dtype=np.float32)}
    if double:
        del packed["absmax"]
        packed["absmax_codes"] = np.zeros(blocks, dtype=np.uint8)
        packed["absmax_scales"] = np.zeros(-(-blocks // 256), dtype=np.float32)
    return 8.0 * sum(int(array.nbytes) for array in packed.values()) / 2**20


def solved(seed: int) -> dict[str, float]:
    """What the solution reaches on a layer of that seed, and what plain NF4 in blocks of 64 does."""
    weight = judge.draw_weight(Rng.from_seed(seed, "weight"), SIZES)
    x = judge.draw_input(Rng.from_seed(seed, "input"), weight.shape[1])
    tensors = nf4.quantise(torch.from_numpy(weight))
    packed = arrays(tensors)
    output = nf4.linear(torch.from_numpy(x), tensors).numpy()
    return {
        "problem": judge.find_problem(packed, weight.size),
        "bytes_ratio": sum(array.nbytes for array in packed.values()) / (2 * weight.size),
        "output_error": judge.relative_error(output, x @ weight.T),
        "disagrees": judge.relative_error(output, x @ judge.dequantise(packed).reshape(weight.shape).T),
    }


def library() -> dict[str, float]:
    """bitsandbytes on the same weights: levels, and its own codes and scales."""
    weight = judge.draw_weight(Rng.from_seed(2, "weight"), {"rows": 8, "columns": 128})
    codes, state = functional.quantize_4bit(torch.from_numpy(weight), blocksize=64, quant_type="nf4")
    theirs = {"codes": codes.numpy().ravel(), "absmax": state.absmax.numpy()}
    back = functional.dequantize_4bit(codes, state).numpy()
    return {
        "levels": float(np.abs(functional.get_4bit_type("nf4", device="cpu").numpy() - judge.LEVELS).max()),
        "reading": float(np.abs(judge.dequantise(theirs) - back.ravel()).max()),
        "ours": float(np.abs(judge.dequantise(plain(weight, 64)) - back.ravel()).max()),
    }


if __name__ == "__main__":
    print(
        json.dumps(
            {
                "levels": judge.LEVELS.astype(float).tolist(),
                "kit": kit.LEVELS.tolist(),
                "reading": reading(),
                "problems": problems(),
                "bits": {"single": bits(64, double=False), "double": bits(64, double=True)},
                "solved": [solved(seed) for seed in range(6)],
                "library": library(),
            }
        )
    )
