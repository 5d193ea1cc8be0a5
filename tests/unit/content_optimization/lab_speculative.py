"""Runs in the lab: the judge of speculative, its target and the solution beside brute force. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from grader.api import WrongAnswer
from scripts import course_models

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "03_model_optimization" / "exercises" / "speculative"
sys.path.insert(0, str(EXERCISE / "starter"))
NEW = 20


def load(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXERCISE / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


judge = load("judge", "judge.py")
kit = load("kit", "starter/kit.py")
vars(kit)["text"] = lambda: Path(json.decoder.__file__).read_bytes()  # enough for a table, and quick
sys.modules["kit"] = kit
solution = load("solution", "solution/speculate.py")
torch.set_num_threads(1)
weights = judge.load_model()
PROMPT = list(b"def __init__(self, name, value):\n        self.name")


def whole(tokens: list[int]) -> torch.Tensor:
    """Logits (time, 256) by the trainer's own forward pass, which has no cache."""
    with torch.no_grad():
        return course_models.forward(weights, torch.tensor([tokens]), course_models.SHAPES["tinylm-byte"])[0]


def slow_greedy(tokens: list[int], new: int) -> list[int]:
    for _ in range(new):
        tokens = [*tokens, int(whole(tokens)[-1].argmax())]
    return tokens[-new:]


WANTED = slow_greedy(PROMPT, NEW)


def cache() -> dict[str, float]:
    """In pieces, and over the remains of wrong guesses, the logits are those of one pass."""
    tokens = PROMPT + WANTED
    target, found = judge.Target(weights, rows=1), []
    for start, end in ((0, 30), (30, 31), (31, 40), (40, len(tokens))):
        target.forward(torch.tensor([[7] * 9]), start)  # refused guesses, written over by what follows
        found.append(target.forward(torch.tensor([tokens[start:end]]), start)[0])
    return {"difference": (torch.cat(found) - whole(tokens)).abs().max().item()}


class Local:
    """The learner's target without a box."""

    def __init__(self, prompt: list[int]) -> None:
        self.counted = judge.Counted(weights, prompt, NEW)

    def forward(self, tokens: list[int], start: int) -> list[int]:
        answer: list[int] = self.counted.answer({"ask": "forward", "tokens": tokens, "start": start})["next"]
        return answer


def decoded(guess: Callable[[list[int], int], list[int]]) -> dict[str, Any]:
    """The solution's loop with other guesses."""
    names = vars(solution)
    kept, names["guess"] = names["guess"], guess
    target = Local(PROMPT)
    same = solution.generate(target, list(PROMPT), NEW) == WANTED
    names["guess"] = kept
    return {"same": same, **target.counted.tally._asdict()}


def guessing() -> dict[str, Any]:
    draw = random.Random(0)

    def know(tokens: list[int], most: int) -> list[int]:
        return WANTED[len(tokens) - len(PROMPT) :][:most]

    def err(tokens: list[int], most: int) -> list[int]:
        return [(byte + 1) % 256 for byte in know(tokens, most)]

    def half(tokens: list[int], most: int) -> list[int]:
        return [byte if draw.random() < 0.5 else 0 for byte in know(tokens, most)]

    return {
        "none": decoded(lambda tokens, most: []),
        "right": decoded(know),
        "wrong": decoded(err),
        "half": decoded(half),
        "own": decoded(solution.guess),
    }


def refusal(question: dict[str, Any], times: int = 1) -> str:
    counted = judge.Counted(weights, PROMPT, NEW)
    try:
        for _ in range(times):
            counted.answer(question)
    except WrongAnswer as error:
        return str(error)
    return ""


def refusals() -> dict[str, str]:
    last, end = len(PROMPT) - 1, len(PROMPT) + NEW
    fine = {"ask": "forward", "tokens": [1] * judge.MOST, "start": last}
    return {
        "fine": refusal(fine),
        "from the beginning": refusal({**fine, "start": 0}),
        "ten tokens": refusal({**fine, "tokens": [1] * 10}),
        "no token": refusal({**fine, "tokens": []}),
        "no byte": refusal({**fine, "tokens": [256]}),
        "a truth": refusal({**fine, "tokens": [True]}),
        "beyond the cache": refusal({**fine, "start": last + 1}),
        "before the beginning": refusal({**fine, "start": -1}),
        "without end": refusal(fine, times=2 * NEW + 1),
        "nothing": refusal({"ask": "weights"}),
        "beyond the answer": beyond(end),
    }


def beyond(end: int) -> str:
    counted = judge.Counted(weights, PROMPT, NEW)
    try:
        for start in range(len(PROMPT) - 1, end, judge.MOST):
            counted.answer({"ask": "forward", "tokens": [1] * judge.MOST, "start": start})
    except WrongAnswer as error:
        return str(error)
    return ""


def verdicts() -> dict[str, Any]:
    changed = [*WANTED[:5], (WANTED[5] + 1) % 256, *WANTED[6:]]
    return {
        name: judge.judge_tokens(weights, PROMPT, tokens, NEW)
        for name, tokens in {"right": WANTED, "changed": changed, "short": WANTED[:-1], "long": [*WANTED, 1]}.items()
    }


def choosing() -> dict[str, Any]:
    prompts = np.array([list(text) for text in (b"    def __in", b"            ", b"import os, s", b"============")])
    answers = judge.decode_greedily(weights, prompts, 12)
    grams = [len({tuple(row[place : place + 4]) for place in range(9)}) for row in answers.tolist()]
    chosen = judge.choose(weights, prompts, 12, 2)
    most = {tuple(prompts[place]) for place in sorted(range(4), key=lambda place: -grams[place])[:2]}
    return {
        "greedy": answers.tolist() == [slow_greedy(row, 12) for row in prompts.tolist()],
        "grams": [judge.count_grams(bytes(row)) for row in answers.tolist()] == grams,
        "chosen": {tuple(row) for row in chosen} == most,
    }


def toy() -> bool:
    """The kit's toy target forgets what is written over, too."""
    source = kit.text()
    prompt = list(source[400:440])
    target = kit.ToyTarget(source)
    target.cache = prompt[:-1]
    wanted = kit.greedy(target, prompt, NEW)
    target.cache = prompt[:-1]
    same: bool = solution.generate(target, prompt, NEW) == wanted
    return same and target.forwards < 2 * NEW


def tables() -> bool:
    """The solution's counts beside counting by hand."""
    source = b"abracadabra alakazam abrakadabra"
    found = solution.count_followers(source)
    ok = True
    for length, table in enumerate(found, 1):
        followers: dict[bytes, list[int]] = {}
        for place in range(len(source) - length):
            followers.setdefault(source[place : place + length], []).append(source[place + length])
        ok &= set(table) == {int.from_bytes(context, "big") for context in followers}
        for context, after in followers.items():
            byte, share = table[int.from_bytes(context, "big")]
            often = max(after.count(other) for other in after)
            ok &= after.count(byte) == often and abs(share - often / (len(after) + 1)) < 1e-12
    return ok


json.dump(
    {
        "cache": cache(),
        "guessing": guessing(),
        "refusals": refusals(),
        "verdicts": verdicts(),
        "choosing": choosing(),
        "tables": tables(),
        "toy": toy(),
    },
    sys.stdout,
)
