"""Runs in the lab: the judge of five_x and the solution's engine beside the naive reference. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch

from grader.api import Rng, WrongAnswer, measures

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "03_model_optimization" / "exercises" / "five_x"
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
engine = load("engine", "solution/engine.py")
WEIGHTS = judge.load_model()
Generate = Callable[[np.ndarray, np.ndarray], np.ndarray]
MODEL = {name: torch.from_numpy(weight) for name, weight in WEIGHTS.items()}


def texts() -> dict[str, Any]:
    """One prompt, one noise: the reference, the solution, and how the judge reads them."""
    rng = np.random.default_rng(0)
    prompt = np.frombuffer(b"    def __init__(self, name", np.uint8)
    noise = kit.draw_noise(rng, 24)
    naive = kit.generate_naively(kit.to_tensors(WEIGHTS), prompt, noise)
    engine.prepare(WEIGHTS)
    quick = engine.generate(prompt, noise)
    changed = naive.copy()
    changed[10] ^= 1
    one, other = (judge.weigh(MODEL, prompt, noise, text) for text in (naive, changed))
    return {
        "same": bool((naive == quick).all()),
        "agrees": bool(one.same.all()),
        "loss": float((one.best - one.chosen).sum()),
        "brute": abs(brute_log_probability(prompt, naive) - float(one.chosen.sum())),
        "first difference": int(np.flatnonzero(~other.same)[0]),
        "before it": bool(np.allclose(other.chosen[:10], one.chosen[:10], atol=1e-4)),
        "worse": float((other.best - other.chosen)[10]),
    }


def brute_log_probability(prompt: np.ndarray, text: np.ndarray) -> float:
    """Byte by byte, each with a forward pass of its own."""
    ids = torch.from_numpy(np.concatenate([prompt, text]).astype(np.int64))
    places = range(len(prompt), len(ids))
    with torch.no_grad():
        return sum(float(kit.logits(MODEL, ids[:n])[-1].log_softmax(0)[ids[n]]) for n in places)


def sampling() -> float:
    """The largest difference between what the noise draws and softmax(logits / T), over three bytes."""
    logits = np.full(256, -50.0)
    logits[:3] = [1.0, 0.5, -0.5]
    drawn = (logits + kit.draw_noise(np.random.default_rng(0), 8_000)).argmax(1)
    wanted = np.exp(logits[:3] / kit.TEMPERATURE)
    return float(np.abs(np.bincount(drawn)[:3] / len(drawn) - wanted / wanted.sum()).max())


def turns() -> dict[str, Any]:
    """Which sides have a turn, and what is kept of readings that begin with three of 1000 s."""
    plan = judge.AfterWarmUp(Rng.from_seed(1, "turns"), min_pairs=5, max_pairs=5)
    sides = []
    while (side := plan.next_side()) is not None:
        sides.append(side)
        seconds = 1000.0 if len(sides) <= 3 else {"candidate": 0.1}.get(side, 1.0)
        plan.record(measures.Reading(cpu_s=seconds, wall_s=seconds))
    ratio = measures.cpu_ratio(plan.rounds, "speedup").value
    return {"first": sorted(sides[:3]), "turns": len(sides), "rounds": len(plan.rounds), "speedup": ratio}


class Recorder:
    """A bench that collects what the judge reports, and asks functions instead of boxes; a turn of ours takes 6 s."""

    def __init__(self, generate: Generate) -> None:
        self.metrics: dict[str, float] = {}
        self.checks: dict[str, bool] = {}
        self.rng = Rng.from_seed(1, "five_x")
        self.sizes = {"prompt": 24, "new": 16, "least_rounds": 5, "most_rounds": 5}
        self.asked: list[tuple[bytes, bytes]] = []
        self.generate = generate

    def metric(self, name: str, value: Any, **_: object) -> None:
        self.metrics[name] = getattr(value, "value", value)

    def check(self, name: str, ok: bool, _feedback: str = "") -> None:
        self.checks[name] = self.checks.get(name, True) and bool(ok)

    def progress(self, _text: str, _done: float) -> None:
        """Nobody looks."""

    def interleave(self, _baseline: str, turn: Callable[[Any, int], None], plan: Any) -> tuple[measures.Round, ...]:
        while (side := plan.next_side()) is not None:
            turn(SimpleNamespace(call=self.answer_theirs if side == "candidate" else answer_ours), len(plan.rounds))
            seconds = 1.0 if side == "candidate" else 6.0
            plan.record(measures.Reading(cpu_s=seconds, wall_s=seconds))
        return tuple(plan.rounds)

    def answer_theirs(self, function: str, *arguments: Any, **_: object) -> object:
        if function == "prepare":
            return None
        prompt, noise = arguments
        self.asked.append((prompt.tobytes(), noise.tobytes()))
        return self.generate(prompt, noise)


def answer_ours(function: str, *arguments: Any, **_: object) -> object:
    return engine.generate(*arguments) if function == "generate" else None


def spaces(_prompt: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return np.full(len(noise), ord(" "), np.uint8)


def greedy(prompt: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return np.asarray(engine.generate(prompt, 0 * noise))


def some_bytes_off(prompt: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The reference's text but for its last two bytes of sixteen."""
    text = np.array(engine.generate(prompt, noise))
    text[-2:] ^= 1
    return text


def runs() -> dict[str, Any]:
    """A whole run of the judge for each of some engines."""
    found = {}
    for generate in (engine.generate, spaces, greedy, some_bytes_off):
        bench = Recorder(generate)
        judge.judge(bench)
        found[generate.__name__] = {
            "metrics": bench.metrics,
            "checks": bench.checks,
            "asked": len(bench.asked),
            "alike": len(bench.asked) - len(set(bench.asked)),
        }
    return found


def quality() -> dict[str, float]:
    """Two texts of four bytes; one byte of the first is less probable than ours by half a nat of the 8 in all."""
    best = np.full(4, -1.0)
    worse = judge.Written(np.array([1, 1, 0, 1], bool), np.array([-1, -1, -1.5, -1]), best)
    right = judge.Written(np.ones(4, bool), best, best)
    bench = Recorder(spaces)
    judge.report_quality(bench, [worse, right])
    return {**bench.metrics, "surprisal": judge.surprisal([worse, right])}


def refusal(answer: object) -> str:
    try:
        judge.read_text(Recorder(spaces), answer, 4)
    except WrongAnswer as error:
        return str(error)
    return ""


json.dump(
    {
        "texts": texts(),
        "sampling": sampling(),
        "turns": turns(),
        "quality": quality(),
        "runs": runs(),
        "refusals": {
            "right": refusal(np.zeros(4, np.uint8)),
            "short": refusal(np.zeros(3, np.uint8)),
            "long": refusal(np.zeros(5, np.uint8)),
            "wide": refusal(np.zeros(4, np.int64)),
            "matrix": refusal(np.zeros((1, 4), np.uint8)),
            "list": refusal([0, 0, 0, 0]),
        },
    },
    sys.stdout,
)
