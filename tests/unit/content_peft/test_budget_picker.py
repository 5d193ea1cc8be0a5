"""budget_picker: the judge's counts beside published sizes and brute force, and every rule of the pick decides."""

from __future__ import annotations

import importlib.util
import sys
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grader.api import Rng, WrongAnswer

EXERCISE = Path(__file__).resolve().parents[3] / "lessons/02_peft_techniques/exercises/budget_picker"
SMOKE = 20
NOT_OF_A_COUNT = [True, 1.0, "1", None, [1]]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"budget_picker_{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def judge() -> ModuleType:
    return load(EXERCISE / "judge.py")


@pytest.fixture(scope="module")
def models() -> ModuleType:
    return load(EXERCISE / "starter" / "models.py")


def submission(monkeypatch: pytest.MonkeyPatch, models: ModuleType, folder: str) -> ModuleType:
    monkeypatch.setitem(sys.modules, "models", models)
    return load(EXERCISE / folder / "pick.py")


def cases(judge: ModuleType, seed: int, count: int = SMOKE) -> list[Any]:
    rng = Rng.from_seed(seed, "budget_picker")
    return [judge.draw_case(rng.child(f"model-{n}"), judge.KINDS[n % len(judge.KINDS)]) for n in range(count)]


def test_whole_models_have_their_published_sizes(judge, models):
    for model, published in models.PUBLISHED.values():
        assert judge.count_base(model) == published


def test_the_judge_and_the_learner_see_the_same_ranks_and_model(judge, models):
    assert judge.RANKS == models.RANKS
    assert judge.SMOLLM2 == models.SMOLLM2_135M


def test_counts_are_those_of_a_list_of_all_tensors(judge):
    for case in cases(judge, 1):
        names = tensors(judge, case.model)
        assert judge.count_base(case.model) == sum(names.values())
        for plan in case.menu:
            assert judge.count_trained(case.model, plan, 6) == sum(new_tensors(judge, case.model, plan, 6).values())


def tensors(judge: ModuleType, model: Any) -> dict[str, int]:
    """Every tensor of the model by name, with its elements."""
    found = {"embedding": model["vocab"] * model["hidden"], "norm": model["hidden"]}
    if not model["tied"]:
        found["head"] = model["vocab"] * model["hidden"]
    for layer in range(model["layers"]):
        for name, (m, n) in judge.shapes(model).items():
            found[f"{layer}.{name}"] = m * n
            if model["qkv_bias"] and name in "qkv":
                found[f"{layer}.{name}.bias"] = m
        found |= {f"{layer}.norm-{which}": model["hidden"] for which in (1, 2)}
    return found


def new_tensors(judge: ModuleType, model: Any, plan: Any, rank: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for layer, name in product(range(plan["layers"]), plan["targets"]):
        m, n = judge.shapes(model)[name]
        found |= {f"{layer}.{name}.A": rank * n, f"{layer}.{name}.B": m * rank}
        if plan["dora"]:
            found[f"{layer}.{name}.magnitude"] = m
    whole = tensors(judge, model)
    if plan["full"] == "norms":
        found |= {name: size for name, size in whole.items() if "norm" in name}
    if plan["full"] == "head":
        found["head"] = whole["embedding"]
    return found


def test_the_pick_is_the_one_that_a_search_in_order_finds(judge):
    """From the largest rank down, and at each rank from the most expensive plan that fits."""
    for case in cases(judge, 2):
        wanted = None
        for rank in sorted(judge.RANKS, reverse=True):
            costs = {n: judge.count_trained(case.model, plan, rank) for n, plan in enumerate(case.menu)}
            fitting = [n for n in costs if costs[n] <= case.budget and judge.is_smaller(case.model, case.menu[n], rank)]
            if fitting:
                wanted = judge.Pick(min(fitting, key=lambda n: (-costs[n], n)), rank)
                break
        assert judge.best(case) == wanted


def test_the_solution_agrees_with_the_judge(judge, models, monkeypatch):
    solution = submission(monkeypatch, models, "solution")
    for seed in range(8):
        for case in cases(judge, seed):
            found, wanted = solution.pick(case.model, case.menu, case.budget), judge.best(case)
            assert found == (wanted and wanted._asdict())
            assert solution.count_base(case.model) == judge.count_base(case.model)


@pytest.mark.parametrize(
    "name",
    [
        "less_than_the_budget",
        "first_plan_that_reaches_it",
        "pair_larger_than_its_matrix",
        "cheat_always_rank_one",
        "cheat_full_matrix_as_a_pair",
    ],
)
def test_no_seed_is_kind_to_a_wrong_rule(judge, models, monkeypatch, name):
    wrong = submission(monkeypatch, models, f"wrong/{name}")
    for seed in range(6):
        picks = [
            wrong.pick(case.model, case.menu, case.budget) == ((best := judge.best(case)) and best._asdict())
            for case in cases(judge, seed)
        ]
        assert not all(picks), f"seed {seed} passes it"


def test_some_model_has_no_plan_and_most_have(judge):
    found = [judge.best(case) for case in cases(judge, 3)]
    assert 0 < found.count(None) <= SMOKE // 4


@pytest.mark.parametrize("answer", NOT_OF_A_COUNT)
def test_a_count_is_an_int(judge, answer):
    with pytest.raises(WrongAnswer, match="whole number"):
        judge.read_count(answer, "count_base")


@pytest.mark.parametrize(
    "answer",
    [
        3,
        {"plan": 0},
        {"plan": 6, "rank": 8},
        {"plan": -1, "rank": 8},
        {"plan": True, "rank": 8},
        {"plan": 0, "rank": 5},
        {"plan": 0, "rank": 8.0},
    ],
)
def test_a_pick_is_a_position_and_an_allowed_rank(judge, answer):
    with pytest.raises(WrongAnswer):
        judge.read_pick(answer, 6)
