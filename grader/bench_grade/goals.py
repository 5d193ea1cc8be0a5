"""What the grader wants to reach on any machine, judged from one run's own document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.bench.goals import Goal

RATIO = "speedup"  # the metric that is a ratio of CPU times
_MOST_CV = {"quiet": 3.0, "busy": 5.0}


def goals(
    series: Sequence[Mapping[str, Any]], costs: Mapping[str, Any], loads: Sequence[Mapping[str, Any]]
) -> list[Goal]:
    steady = [
        Goal(
            name=f"variation of CPU-time ratios, {condition}, the larger of {len(_cvs(series, condition))}",
            unit="%",
            at_most=most,
            value=max(_cvs(series, condition), default=None),
        )
        for condition, most in _MOST_CV.items()
    ]
    flips = Goal(name="verdicts that flipped", unit="", at_most=0, value=float(sum(one["flips"] for one in series)))
    spent = [
        Goal(
            name=f"overhead of a run, warm boxes, a ready judge: {name}",
            unit="ms",
            at_most=300,
            value=costs["ready_judge"]["whole"][f"{name}_ms"],
        )
        for name in ("p50", "p95")
    ]
    return [*steady, flips, *spent, *(_load_goal(one) for one in loads)]


def _cvs(series: Sequence[Mapping[str, Any]], condition: str) -> list[float]:
    ratios = [one["metrics"][RATIO] for one in series if one["condition"] == condition and RATIO in one["metrics"]]
    return [ratio["cv_percent"] for ratio in ratios if ratio["cv_percent"] is not None]


def _load_goal(load: Mapping[str, Any]) -> Goal:
    share = load["metrics"].get("generator_share")
    return Goal(
        name=f"load generator at 1,500 requests/s, {load['condition']}",
        unit="% of a core",
        at_most=33.3,
        value=None if share is None else 100 * share["max"],
    )
