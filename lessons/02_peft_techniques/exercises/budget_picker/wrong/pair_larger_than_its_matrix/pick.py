"""Count models and adapters, and pick a plan under a budget."""

from __future__ import annotations

from models import RANKS, show


def shapes(model):
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


def count_base(model):
    of = shapes(model)
    block = sum(m * n for m, n in of.values()) + 2 * model["hidden"]
    if model["qkv_bias"]:
        block += sum(of[name][0] for name in "qkv")
    tables = 1 if model["tied"] else 2
    return tables * model["vocab"] * model["hidden"] + model["layers"] * block + model["hidden"]


def count_trained(model, plan, rank):
    targets = [shapes(model)[name] for name in plan["targets"]]
    pairs = plan["layers"] * sum(rank * (m + n) + (m if plan["dora"] else 0) for m, n in targets)
    return pairs + count_full(model, plan["full"])


def count_full(model, what):
    """What is trained as it is, without a pair."""
    if what == "norms":
        return (2 * model["layers"] + 1) * model["hidden"]
    return model["vocab"] * model["hidden"] if what == "head" else 0


def fits(model, plan, rank, budget):
    """Within the budget, and no pair as large as the matrix that it changes."""
    return count_trained(model, plan, rank) <= budget


def pick(model, menu, budget):
    fitting = [
        (rank, count_trained(model, plan, rank), -position)  # compared from left to right
        for position, plan in enumerate(menu)
        for rank in RANKS
        if fits(model, plan, rank, budget)
    ]
    if not fitting:
        return None
    rank, _, position = max(fitting)
    return {"plan": -position, "rank": rank}


if __name__ == "__main__":
    show(count_base, count_trained, pick)
