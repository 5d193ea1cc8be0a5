"""Runs in the lab: kv_cache's judge beside torch and beside brute force, on a small model. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from grader.api import Rng, WrongAnswer

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "03_model_optimization" / "exercises" / "kv_cache"
sys.path.insert(0, str(EXERCISE / "starter"))


def load(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXERCISE / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


judge = load("judge", "judge.py")
theirs = load("model", "starter/model.py")
starter = load("decode", "starter/decode.py")
PROMPT, NEW = 12, 20


class Here:
    """Calls run.py in this process, with this submission as its decode.py."""

    def __init__(self, path: str) -> None:
        load("decode", path)
        load("run", "starter/run.py")

    def call(self, name: str, *args: object, timeout_s: float) -> object:
        return getattr(sys.modules["run"], name)(*args)


def converse(path: str) -> dict[str, object]:
    """What the judge says of a submission whose every operation it computes itself."""
    rng = Rng.from_seed(1, "test")
    small = judge.Model(judge.SMALL, rng.child("model"))
    prompt = judge.draw_prompt(rng, judge.SMALL, PROMPT)
    tokens, counted = judge.converse(Here(path), small, prompt, NEW)
    ok, feedback = judge.judge_tokens(small, prompt, tokens, NEW)
    return {"ok": ok, "feedback": feedback, "rows": dict(counted.rows), "busiest": counted.busiest()}


def compare_logits() -> float:
    """The largest difference between the judge's numpy and the learner's torch, over a spread of four."""
    config = {"layers": 3, "heads": 4, "width": 128, "vocabulary": 256}
    ours = judge.Model(config, Rng.from_seed(3, "test"))
    mine = theirs.Model(config, {name: torch.from_numpy(array) for name, array in ours.weights.items()})
    tokens = list(range(0, 240, 3))
    with torch.inference_mode():
        last = starter.forward(mine, torch.tensor(tokens)).numpy()
    return float(np.abs(ours.all_logits(tokens)[-1] - last).max())


def decode() -> dict[str, object]:
    """Tokens by brute force: for each the whole sequence, in the judge's own numpy."""
    rng = Rng.from_seed(5, "test")
    small = judge.Model(judge.SMALL, rng.child("model"))
    prompt = judge.draw_prompt(rng, judge.SMALL, PROMPT)
    found: list[int] = []
    for _ in range(NEW):
        found.append(int(small.all_logits(prompt + found)[-1].argmax()))
    wrong = [*found[:7], (found[7] + 1) % judge.SMALL["vocabulary"], *found[8:]]
    answers = {
        "right": found,
        "one wrong": wrong,
        "short": found[:-1],
        "long": [*found, 0],
        "constant": [found[0]] * NEW,
    }
    judged = {name: judge.judge_tokens(small, prompt, tokens, NEW) for name, tokens in answers.items()}
    strange = {"floats": [0.0] * NEW, "beyond": [64] * NEW, "none": None, "booleans": [True] * NEW}
    refused = [name for name, tokens in strange.items() if refusal(judge.judge_tokens, small, prompt, tokens, NEW)]
    return {"judged": judged, "refused": refused, "distinct": len(set(found))}


def refusal(function: object, *args: object) -> str:
    assert callable(function)
    try:
        function(*args)
    except WrongAnswer as error:
        return str(error)
    return ""


def ask_strangely() -> dict[str, str]:
    """What the judge answers to questions that run.py does not ask."""
    small = judge.Model(judge.SMALL, Rng.from_seed(7, "test"))
    x, positions = np.zeros((3, 32), np.float32), np.arange(3)
    questions = {
        "layer": {"ask": "qkv", "layer": 2, "x": x, "positions": positions},
        "weights": {"ask": "weights", "x": x},
        "nothing": {"ask": "logits", "x": x[:0]},
        "double": {"ask": "logits", "x": x.astype(np.float64)},
        "nan": {"ask": "logits", "x": x * np.float32("nan")},
        "token": {"ask": "embed", "tokens": np.array([64])},
        "positions": {"ask": "qkv", "layer": 0, "x": x, "positions": positions[:2]},
        "shape": {"ask": "mix", "layer": 0, "x": x, "attended": np.zeros((3, 2, 16), np.float32)},
        "flood": {"ask": "logits", "x": np.zeros((101, 32), np.float32)},
    }
    return {name: refusal(judge.Counted(small, most=100).answer, question) for name, question in questions.items()}


torch.set_num_threads(1)
wrong = sorted(path.name for path in (EXERCISE / "wrong").iterdir())
json.dump(
    {
        "logits": compare_logits(),
        "decode": decode(),
        "strange": ask_strangely(),
        "solution": converse("solution/decode.py"),
        "starter": converse("starter/decode.py"),
        "wrong": {name: converse(f"wrong/{name}/decode.py") for name in wrong},
    },
    sys.stdout,
)
