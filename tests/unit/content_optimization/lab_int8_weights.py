"""Runs in the lab: the judge of int8_weights beside brute force. Prints JSON."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from grader.api import Rng, WrongAnswer
from scripts import course_models

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "03_model_optimization" / "exercises" / "int8_weights"
sys.path.insert(0, str(EXERCISE / "starter"))


def load(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXERCISE / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


judge = load("judge", "judge.py")
kit = load("kit", "starter/kit.py")
solution = load("solution", "solution/quantise.py")


def brute_force(q: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The prompt's formula, weight by weight."""
    rows, columns = q.shape
    width = columns // scale.shape[1]
    one = scale.shape[0] == 1
    return np.array([[scale[0 if one else i, j // width] * q[i, j] for j in range(columns)] for i in range(rows)])


def restoring() -> list[bool]:
    rng = np.random.default_rng(0)
    q = rng.integers(-128, 128, (6, 8)).astype(np.int8)
    scales = [rng.random(shape).astype(np.float32) for shape in ((1, 1), (6, 1), (6, 2), (1, 8), (6, 8))]
    return [
        bool(np.allclose(restore({"q": q, "scale": scale}), brute_force(q, scale), rtol=1e-6))
        for scale in scales
        for restore in (judge.restore_entry, kit.restore)
    ]


def problems_of(entries: dict[str, Any]) -> dict[str, str]:
    """What the judge says of one entry for a matrix of 6 x 8, or for a vector where the name begins so."""
    matrix, vector = np.ones((6, 8), np.float32), np.ones(8, np.float32)
    return {
        name: judge.find_problem(entry, vector if name.startswith("vector") else matrix) or ""
        for name, entry in entries.items()
    }


def problems() -> dict[str, str]:
    q, scale = np.ones((6, 8), np.int8), np.ones((6, 2), np.float16)
    nan = np.full((6, 1), np.nan, np.float32)
    return problems_of(
        {
            "good": {"q": q, "scale": scale},
            "good array": np.ones((6, 8), np.float16),
            "vector array": np.ones(8, np.float32),
            "vector in eight bits": {"q": np.ones(8, np.int8), "scale": np.ones((1, 1), np.float16)},
            "unsigned": {"q": q.astype(np.uint8), "scale": scale},
            "list": {"q": q.tolist(), "scale": scale},
            "number": {"q": q, "scale": 1.0},
            "transposed": {"q": q.T, "scale": scale},
            "three groups": {"q": q, "scale": np.ones((6, 3), np.float32)},
            "no group": {"q": q, "scale": np.ones((6, 0), np.float32)},
            "flat scale": {"q": q, "scale": np.ones(6, np.float32)},
            "double": {"q": q, "scale": scale.astype(np.float64)},
            "nan": {"q": q, "scale": nan},
            "infinite": np.full((6, 8), np.inf, np.float16),
            "more": {"q": q, "scale": scale, "rest": scale},
            "text": "int8",
        }
    )


def refusal(answer: object) -> str:
    try:
        return "; ".join(judge.find_problems(answer, {"a": np.ones(2, np.float32)}))
    except WrongAnswer as error:
        return str(error)


def model() -> dict[str, Any]:
    """The shipped file: the judge's forward pass is the trainer's, a stretched model is the same function."""
    torch.set_num_threads(1)
    weights = judge.load_model()
    text = judge.draw_windows(Rng.from_seed(3, "text"), 4)
    stretched = judge.stretch(weights, Rng.from_seed(3, "stretch"))
    before, after = judge.window_losses(weights, text), judge.window_losses(stretched, text)
    tensors = {name: torch.from_numpy(weight) for name, weight in weights.items()}
    ids = torch.from_numpy(text[:2, :-1])
    shape = course_models.SHAPES["tinylm-byte"]
    theirs, ours = course_models.forward(tensors, ids, shape), judge.forward(tensors, ids)
    answer = solution.quantise({name: weight.copy() for name, weight in stretched.items()})
    quantised = judge.window_losses(judge.restore(answer, stretched), text)
    q = "blocks.1.attention.q.weight"
    return {
        "parameters": sum(weight.size for weight in weights.values()),
        "forward": (theirs - ours).abs().max().item(),
        "stretched": float(np.abs(after - before).max()),
        "largest row": float(np.abs(stretched[q]).max(1).max() / np.abs(weights[q]).max(1).max()),
        "problems": judge.find_problems(answer, stretched),
        "bytes": judge.count_bytes(answer) / sum(weight.nbytes for weight in stretched.values()),
        "increase": float(100 * (quantised.mean() / before.mean() - 1)),
        "bits": float(before.mean() / np.log(2)),
    }


def hidden_text() -> dict[str, Any]:
    """The judge's files are the trainer's held-out ones, byte for byte."""
    _, held_out = course_models.split(course_models.standard_library())
    ours = sorted(path.read_bytes() for path in judge.held_out_files())
    digest = hashlib.sha256(judge.MODEL.read_bytes()).hexdigest()
    return {"same": len(b"".join(ours)) == len(held_out), "files": len(ours), "sha256": digest == judge.SHA256}


json.dump(
    {
        "restoring": restoring(),
        "problems": problems(),
        "refusals": {"none": refusal(None), "missing": refusal({}), "strange": refusal({"a": 0, "b": 0})},
        "model": model(),
        "hidden_text": hidden_text(),
        "faults": course_models.find_faults(),
    },
    sys.stdout,
)
