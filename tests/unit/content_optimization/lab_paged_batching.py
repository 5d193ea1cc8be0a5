"""Runs in the lab: paged_batching's judge beside brute force, and on the solution and the wrong ones. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from grader.api import Rng, WrongAnswer

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "03_model_optimization" / "exercises" / "paged_batching"
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


class Here:
    """Calls run.py in this process, with this submission as its scheduler.py, and keeps what goes by."""

    def __init__(self, path: str) -> None:
        load("scheduler", path)
        self.run = load("run", "starter/run.py")
        self.seen: list[tuple[Any, Any, Any]] = []

    def call(self, name: str, *args: Any, timeout_s: float) -> Any:
        answer = getattr(self.run, name)(*args)
        if name == "step":
            self.seen.append((*args, answer))
        return answer

    def count_again(self, room: int) -> dict[str, int]:
        """The tally from news and plans alone."""
        length: dict[int, int] = {}
        last: set[int] = set()
        count = dict.fromkeys(("steps", "filled", "room", "computed"), 0)
        for arrived, ended, plan in self.seen:
            for number in ended:
                del length[number]
            length |= {number: prompt for number, prompt, _ in arrived}
            now = {number for number, _ in plan}
            count["steps"] += 1
            count["computed"] += sum(1 if number in last else length[number] for number in now)
            if length.keys() - now:
                count["room"] += room
                count["filled"] += sum(length[number] for number in now)
            length |= {number: length[number] + 1 for number in now}
            last = now
        return count


class Desk:
    """What replay needs of a bench."""

    sizes: dict[str, float] = {"blocks": 64}

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}

    def check(self, name: str, ok: bool, feedback: str) -> None:
        if not ok:
            self.failed.setdefault(name, feedback)


def replay(path: str, requests: list[Any], seed: int = 2) -> dict[str, Any]:
    desk = Desk()
    here = Here(path)
    tally = judge.replay(desk, here, Rng.from_seed(seed, "model"), requests)
    counts = {**vars(tally), "again": here.count_again(64 * judge.BLOCK)} if tally else {}
    return {"failed": desk.failed, **counts}


def by_hand() -> dict[str, Any]:
    """Two requests of 3 and 9 positions that end after 2 and 1 tokens, and one that comes when both have ended."""
    rng = Rng.from_seed(1, "hand")
    prompts = [[rng.integers(0, 64) for _ in range(length)] for length in (3, 9, 4)]
    requests = [judge.Request(0, prompts[0], 2), judge.Request(0, prompts[1], 1), judge.Request(50, prompts[2], 3)]
    return replay("solution/scheduler.py", requests)


def one_by_one() -> bool:
    """A request alone, token by token in plain loops, gets the tokens that one causal pass finds right."""
    model = judge.Model(Rng.from_seed(4, "model"), 0)
    request = judge.Request(0, [5, 9, 60, 1], 12)
    tokens = list(request.prompt)
    for _ in range(request.new):
        x = [model.tokens[token] + model.positions[place] for place, token in enumerate(tokens)]
        powers = np.array([np.exp(x[-1] @ model.query @ (one @ model.key)) for one in x])
        mixed = sum(power * (one @ model.value) for power, one in zip(powers / powers.sum(), x, strict=True))
        tokens.append(int(((x[-1] + 2 * mixed) @ model.head).argmax()))
    found = tokens[4:]
    other = [*found[:6], (found[6] + 1) % 64, *found[7:]]
    return bool(model.count_wrong(request, found) == 0 and model.count_wrong(request, other) >= 1)


def places() -> bool:
    table = [7, 2, 30]
    ours = judge.places_of(table, 19).tolist()
    return bool(ours == [table[i // 8] * 8 + i % 8 for i in range(19)])


def problems() -> dict[str, str]:
    lengths = {1: 8, 2: 9}
    plans: dict[str, object] = {
        "good": [[1, [0]], [2, [3, 2]]],
        "more room": [[1, [0, 1, 5]]],
        "nobody": [],
        "stranger": [[3, [0]]],
        "twice": [[1, [0]], [1, [1]]],
        "short": [[2, [0]]],
        "beyond": [[1, [64]]],
        "negative": [[1, [-1]]],
        "boolean": [[1, [True]]],
        "shared": [[1, [4]], [2, [3, 4]]],
        "same block": [[2, [3, 3]]],
    }
    return {name: judge.find_problem(plan, lengths, 64) for name, plan in plans.items()}


def refused() -> list[bool]:
    found = []
    for plan in (None, {"1": [0]}, [1, 2], [[1, [0], 2]]):
        try:
            judge.find_problem(plan, {1: 8}, 64)
            found.append(False)
        except WrongAnswer:
            found.append(True)
    return found


def submissions() -> dict[str, Any]:
    """In a small world with few blocks."""
    requests = judge.draw_requests(Rng.from_seed(6, "requests"), 60)
    needed = sum(len(request.prompt) + request.new - 1 for request in requests)
    names = ["starter", "solution", *(f"wrong/{path.name}" for path in sorted((EXERCISE / "wrong").iterdir()))]
    found = {name: replay(f"{name}/scheduler.py", requests) for name in names}
    return {name: {**facts, "needed": needed} for name, facts in found.items()}


json.dump(
    {
        "by_hand": by_hand(),
        "one_by_one": one_by_one(),
        "places": places(),
        "problems": problems(),
        "refused": refused(),
        "submissions": submissions(),
    },
    sys.stdout,
)
