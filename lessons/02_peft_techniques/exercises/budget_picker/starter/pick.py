"""Count models and adapters, and pick a plan under a budget. Make the three functions right for every model.

Run this file (`python pick.py`) to see your counts beside published ones.
"""

from __future__ import annotations

from models import RANKS, show


def count_base(model):
    """Elements of the whole model."""
    attention = 4 * model["hidden"] ** 2  # right where every head has keys and values of its own
    feed_forward = 3 * model["hidden"] * model["intermediate"]
    return model["vocab"] * model["hidden"] + model["layers"] * (attention + feed_forward)


def count_trained(model, plan, rank):
    """Elements that the plan trains at this rank; the prompt has the rule of each key."""
    return len(plan["targets"]) * plan["layers"] * 2 * rank * model["hidden"]


def pick(model, menu, budget):
    """{"plan": position in the menu, "rank": rank} of the plan that fits at the largest rank; None where none fits."""
    for rank in reversed(RANKS):
        for position, plan in enumerate(menu):
            if count_trained(model, plan, rank) <= budget:
                return {"plan": position, "rank": rank}
    return None


if __name__ == "__main__":
    show(count_base, count_trained, pick)
