"""Asks for counts and picks of models drawn for this run, and compares them with the formulas of the prompt.

Every rule of the pick has to decide some of the answers, so each kind of budget comes in turn: one between two costs,
one that the best plan meets exactly, one that misses it by a single element, one too small for anything, one so large
that the sizes of the matrices decide, and one at which two plans reach the same rank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from grader.api import Bench, Candidate, Rng, WrongAnswer, measures

RANKS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
TARGETS = (
    ("q", "v"),
    ("q", "k", "v", "o"),
    ("gate", "up", "down"),
    ("q", "k", "v", "o", "gate", "up", "down"),
    ("k", "v"),
    ("o", "down"),
    ("q",),
    ("v", "o"),
)
KINDS = ("between", "exact", "one_short", "tie", "large", "nothing")
FULL = ("norms", "head", None)
CALL_SECONDS = 5.0
SMOLLM2: dict[str, Any] = {
    "hidden": 576,
    "layers": 30,
    "heads": 9,
    "kv_heads": 3,
    "head_dim": 64,
    "intermediate": 1536,
    "vocab": 49_152,
    "tied": True,
    "qkv_bias": False,
}

Model = Mapping[str, Any]
Plan = Mapping[str, Any]


class Pick(NamedTuple):
    plan: int
    rank: int


class Case(NamedTuple):
    model: dict[str, Any]
    menu: list[dict[str, Any]]
    budget: int


def judge(bench: Bench) -> None:
    candidate = bench.candidate()
    feedback = ask_known(candidate)
    bench.check("the_lesson_s_model", not feedback, feedback)
    number_of_models = int(bench.sizes["models"])
    counted = right = over = 0
    for number in range(number_of_models):
        rng = bench.rng.child(f"model-{number}")
        case = draw_case(rng, KINDS[number % len(KINDS)])
        counted += ask_counts(candidate, rng, case, FULL[number % len(FULL)])
        found = ask_pick(candidate, case)
        right += found == best(case)
        over += found is not None and count_trained(case.model, case.menu[found.plan], found.rank) > case.budget
    bench.metric("counts_right", measures.share(counted, 2 * number_of_models))
    bench.metric("picks_right", measures.share(right, number_of_models))
    bench.check("never_over_budget", over == 0, f"{over} of {number_of_models} picks cost more than their budget.")


def ask_known(candidate: Candidate) -> str:
    """What is wrong with the answers for the lesson's own model; empty when nothing is."""
    plans = [make_plan(targets, 30) for targets in (TARGETS[0], TARGETS[1], TARGETS[3])]
    counts = [("count_base", (SMOLLM2,), 134_515_008)]
    counts += [
        ("count_trained", (SMOLLM2, plan, 8), wanted)
        for plan, wanted in zip(plans, (460_800, 921_600, 2_442_240), strict=True)
    ]
    with_head = make_plan(TARGETS[0], 30, full="head")
    counts += [("count_trained", (SMOLLM2, with_head, 8), 460_800 + 49_152 * 576)]
    for function, arguments, wanted in counts:
        found = read_count(candidate.call(function, *arguments, timeout_s=CALL_SECONDS), function)
        if found != wanted:
            return f"{function} of SmolLM2-135M must be {wanted:,}; it is {found:,}."
    case = Case(SMOLLM2, plans, 1_345_150)
    found_pick, wanted_pick = ask_pick(candidate, case), best(case)
    return "" if found_pick == wanted_pick else f"under 1,345,150 the pick must be {wanted_pick}; it is {found_pick}."


def ask_counts(candidate: Candidate, rng: Rng, case: Case, full: str | None) -> int:
    """How many of two counts are exact: that of the model, and that of one of its plans with `full`."""
    plan, rank = {**rng.choice(case.menu), "full": full}, rng.choice(RANKS)
    whole = read_count(candidate.call("count_base", dict(case.model), timeout_s=CALL_SECONDS), "count_base")
    answer = candidate.call("count_trained", dict(case.model), plan, rank, timeout_s=CALL_SECONDS)
    exact = [
        whole == count_base(case.model),
        read_count(answer, "count_trained") == count_trained(case.model, plan, rank),
    ]
    return sum(exact)


def read_count(answer: object, function: str) -> int:
    if type(answer) is not int:
        raise WrongAnswer(f"{function} must return a whole number (an int); it returned {str(answer)[:40]!r}")
    return answer


def ask_pick(candidate: Candidate, case: Case) -> Pick | None:
    answer = candidate.call("pick", dict(case.model), list(case.menu), case.budget, timeout_s=CALL_SECONDS)
    return read_pick(answer, len(case.menu))


def read_pick(answer: object, plans: int) -> Pick | None:
    """Raises WrongAnswer unless it is None, or a dict with a position in the menu and an allowed rank."""
    if answer is None:
        return None
    if not isinstance(answer, dict) or set(answer) != {"plan", "rank"}:
        raise WrongAnswer("pick must return None or a dict with exactly the keys plan and rank")
    plan, rank = answer["plan"], answer["rank"]
    if type(plan) is not int or not 0 <= plan < plans:
        raise WrongAnswer(f"pick returned plan {str(plan)[:40]!r}; it must be a position in the menu, counted from 0")
    if type(rank) is not int or rank not in RANKS:
        raise WrongAnswer(f"pick returned rank {str(rank)[:40]!r}; it must be one of RANKS in models.py")
    return Pick(plan, rank)


# The formulas


def shapes(model: Model) -> dict[str, tuple[int, int]]:
    """(outputs, inputs) of the seven linear modules of a block."""
    hidden, inner = model["hidden"], model["intermediate"]
    queries, keys = model["heads"] * model["head_dim"], model["kv_heads"] * model["head_dim"]
    return {
        "q": (queries, hidden),
        "k": (keys, hidden),
        "v": (keys, hidden),
        "o": (hidden, queries),
        "gate": (inner, hidden),
        "up": (inner, hidden),
        "down": (hidden, inner),
    }


def count_base(model: Model) -> int:
    of = shapes(model)
    block = sum(m * n for m, n in of.values()) + 2 * model["hidden"]
    if model["qkv_bias"]:
        block += of["q"][0] + of["k"][0] + of["v"][0]
    tables = 1 if model["tied"] else 2
    return int(tables * model["vocab"] * model["hidden"] + model["layers"] * block + model["hidden"])


def count_trained(model: Model, plan: Plan, rank: int) -> int:
    of = shapes(model)
    pairs = sum(rank * sum(of[name]) + (of[name][0] if plan["dora"] else 0) for name in plan["targets"])
    as_it_is = {None: 0, "norms": (2 * model["layers"] + 1) * model["hidden"], "head": model["vocab"] * model["hidden"]}
    return int(plan["layers"] * pairs + as_it_is[plan["full"]])


def is_smaller(model: Model, plan: Plan, rank: int) -> bool:
    """Whether every pair has fewer elements than the matrix that it changes."""
    of = shapes(model)
    return all(rank * sum(of[name]) < of[name][0] * of[name][1] for name in plan["targets"])


def best(case: Case) -> Pick | None:
    """The largest rank; then the most elements; then the earliest."""
    fitting = [
        (rank, cost, -position)
        for position, plan in enumerate(case.menu)
        for rank in RANKS
        if is_smaller(case.model, plan, rank) and (cost := count_trained(case.model, plan, rank)) <= case.budget
    ]
    if not fitting:
        return None
    rank, _, position = max(fitting)
    return Pick(-position, rank)


# What a run draws


def draw_case(rng: Rng, kind: str) -> Case:
    model = draw_model(rng, small=kind == "large")
    menu = draw_menu(rng, model, tie=kind == "tie")
    return Case(model, menu, draw_budget(rng, kind, model, menu))


def draw_model(rng: Rng, *, small: bool) -> dict[str, Any]:
    """A Llama-like model of plausible sizes; in two of five, heads * head_dim is not hidden."""
    head_dim = 32 if small else rng.choice((64, 96, 128))
    kv_heads, group = rng.integers(2, 5) if small else rng.integers(2, 11), rng.integers(1, 6)
    heads = kv_heads * group
    # A fraction of eighths, so that hidden is a whole number.
    hidden = heads * head_dim * rng.choice((8, 8, 8, 6, 10)) // 8
    return {
        "hidden": hidden,
        "layers": rng.integers(8, 65),
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": head_dim,
        "intermediate": 64 * max(1, round(hidden * (2.2 + 2.0 * rng.random()) / 64)),
        "vocab": 128 * rng.integers(200, 1200),
        "tied": rng.random() < 0.5,
        "qkv_bias": rng.random() < 0.5,
    }


def draw_menu(rng: Rng, model: Model, *, tie: bool) -> list[dict[str, Any]]:
    """Six plans of different targets; in a tie two of them differ by one layer, the smaller one first."""
    menu = [draw_plan(rng, targets, model["layers"]) for targets in rng.sample(TARGETS, 6)]
    if tie:
        targets, layers = rng.choice(TARGETS[:4]), model["layers"]
        menu = [make_plan(targets, layers - 1), make_plan(targets, layers), make_plan(targets, layers), *menu[:3]]
    return menu


def draw_plan(rng: Rng, targets: Sequence[str], layers: int) -> dict[str, Any]:
    some = layers if rng.random() < 0.5 else rng.integers(1, layers + 1)
    full = rng.choice(("norms", "head", None, None, None, None))
    return make_plan(targets, some, dora=rng.random() < 0.4, full=full)


def make_plan(targets: Sequence[str], layers: int, *, dora: bool = False, full: str | None = None) -> dict[str, Any]:
    return {"targets": list(targets), "layers": layers, "dora": dora, "full": full}


def draw_budget(rng: Rng, kind: str, model: Model, menu: list[dict[str, Any]]) -> int:
    """Elements. An exact budget is what the best plan under a random one costs: it stays the best."""
    if kind == "nothing":
        return min(count_trained(model, plan, 1) for plan in menu) - 1
    if kind == "large":
        return count_base(model)
    if kind == "tie":
        return tie_budget(rng, model, menu)
    budget = int(count_base(model) * 0.001 * 30 ** rng.random())
    found = best(Case(dict(model), menu, budget))
    if kind == "between" or found is None:
        return budget
    cost = count_trained(model, menu[found.plan], found.rank)
    return cost if kind == "exact" else cost - 1


def tie_budget(rng: Rng, model: Model, menu: list[dict[str, Any]]) -> int:
    """What the larger of two nearly equal plans costs at some rank; that of the ranks at which one of them wins."""
    ranks = [rank for rank in RANKS if is_smaller(model, menu[1], rank)]
    rng.shuffle(ranks)
    for rank in ranks:
        budget = count_trained(model, menu[1], rank)
        if best(Case(dict(model), menu, budget)) == Pick(1, rank):
            return budget
    return count_trained(model, menu[1], ranks[0])
