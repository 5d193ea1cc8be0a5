"""Runs in the lab: the judge of peek_safely, on answers and deciders made for the purpose."""

from __future__ import annotations

import importlib.util
import json
import sys
import tomllib
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from lesson_code import LESSON

from grader.api import Rng, WrongAnswer

EXERCISE = LESSON / "exercises" / "peek_safely"
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
simulate = load("simulate", "starter/simulate.py")
solution = load("solution", "solution/decide.py")
SIZES = tomllib.loads((EXERCISE / "exercise.toml").read_text())["tiers"]["smoke"]["sizes"]


class Recorder:
    """Collects what the judge reports; each candidate is `make()`, as each box is new."""

    def __init__(self, seed: int, make: Callable[[], Callable[..., Any]]) -> None:
        self.rng, self.sizes, self.make = Rng.from_seed(seed, "test"), SIZES, make
        self.metrics: dict[str, float] = {}
        self.checks: dict[str, bool] = {}

    def candidate(self) -> SimpleNamespace:
        decide = self.make()
        return SimpleNamespace(call=lambda _name, *arguments, timeout_s: decide(*arguments))

    def metric(self, name: str, value: float, **_: object) -> None:
        self.metrics[name] = value

    def check(self, name: str, ok: bool, _feedback: str) -> None:
        self.checks[name] = ok

    def log(self, _text: str) -> None: ...

    def progress(self, _text: str, _done: float | None = None) -> None: ...


def grade(make: Callable[[], Callable[..., Any]], seed: int = 5) -> dict[str, Any]:
    bench = Recorder(seed, make)
    judge.judge(bench)
    return {**bench.metrics, **bench.checks}


def refusal(answer: object) -> str:
    try:
        judge.read_answers(answer, 3)
    except WrongAnswer as error:
        return str(error)
    return ""


def spy() -> dict[str, Any]:
    """What reaches the learner: which looks, in which order, of which streams?"""
    seen: list[tuple[int, np.ndarray]] = []

    def decide(design: dict[str, float], look: int, *counts: np.ndarray) -> np.ndarray:
        seen.append((look, np.stack(counts)))
        return solution.decide(design, look, *counts)

    bench = Recorder(5, lambda: decide)
    experiment = judge.draw_experiment(bench, 0)
    judge.run_experiment(bench.candidate(), experiment, bench.rng.child("order").numpy())
    sizes = [counts.shape[1] for _, counts in seen]
    first, drawn = seen[0][1], experiment.counts[0]
    return {
        "looks": [look for look, _ in seen],
        "shrinks": sizes == sorted(sizes, reverse=True),
        "same_streams": sorted(map(tuple, first.T.tolist())) == sorted(map(tuple, drawn.T.tolist())),
        "in_place": bool(np.array_equal(first, drawn)),
        "arguments": sorted(experiment.design),
        "simulated": sorted(simulate.make_design()),
        "counts_grow": bool((np.diff(experiment.counts, axis=0) >= 0).all()),
        "traffic": int(experiment.counts[-1, [0, 2], 0].sum()) - 2 * int(experiment.design["max_n"]),
        "fixed": [int(experiment.design["fixed_n"]), simulated_size(experiment.design)],
    }


def simulated_size(design: dict[str, float]) -> int:
    return int(simulate.fixed_sample_size(design["baseline"], design["effect"]))


def remembering() -> Callable[..., Any]:
    """The solution, but every fiftieth stream is stopped, and which one depends on how many calls there were."""
    calls = iter(range(10**9))

    def decide(design: dict[str, float], look: int, *counts: np.ndarray) -> np.ndarray:
        answers = solution.decide(design, look, *counts)
        return np.where(np.arange(len(answers)) % 50 == next(calls) % 50, judge.STOP, answers)

    return decide


ANSWERS = {
    "none": None,
    "scalar": np.int64(1),
    "short": np.zeros(2, dtype=int),
    "matrix": np.zeros((3, 1), dtype=int),
    "floats": np.zeros(3),
    "bools": np.ones(3, dtype=bool),
    "strange": np.array([0, 1, 2]),
    "words": ["ship", "ship", "stop"],
    "true": [True, False, True],
    "list": [0, 1, -1],
    "array": np.array([0, 1, -1], dtype=np.int8),
}
print(
    json.dumps(
        {
            "refusals": {name: refusal(answer) for name, answer in ANSWERS.items()},
            "spy": spy(),
            "solution": grade(lambda: solution.decide),
            "again": grade(lambda: solution.decide),
            "other_seed": grade(lambda: solution.decide, seed=6),
            "remembering": grade(remembering),
            "worlds": [judge.WORLDS == simulate.WORLDS, judge.LOOKS == simulate.LOOKS],
        }
    )
)
