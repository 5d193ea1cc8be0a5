"""The document of `bench grade` as aligned tables for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grader.bench_grade.overhead import PHASES
from sandbox.bench.report import goal_lines, head_lines, table

_PHASE_NAMES = {
    "to_the_judge": "until the judge runs (its process, imports, backend)",
    "box_and_load": "box started, module loaded",
    "call": "first call",
    "finish": "box ended, report written, process ended",
}


def lines(document: dict[str, Any]) -> Iterator[str]:
    yield from head_lines(document)
    yield ""
    yield from _steadiness([*document["steadiness"], *document["load_generator"]])
    yield ""
    yield from _overhead(document["overhead"])
    yield ""
    yield from goal_lines(document["goals"])


def _steadiness(series: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    head = ["series", "metric", "mean", "min", "max", "variation", "flips", "made again"]
    rows = []
    for one in series:
        name = f"{one['exercise']} {one['submission']}, {one['tier']}, {one['condition']}, {one['runs']} runs"
        counts = [f"{one['flips']} of {one['runs']}", str(one["made_again"])]
        if not one["metrics"]:
            rows.append([name, "", "", "", "", "", *counts])
        rows += [[name, metric, *_spread(found), *counts] for metric, found in one["metrics"].items()]
    yield from table(head, rows)


def _spread(found: Mapping[str, Any]) -> list[str]:
    cv = found["cv_percent"]
    return [*(f"{found[name]:.3f}" for name in ("mean", "min", "max")), "" if cv is None else f"{cv:.2f} %"]


def _overhead(costs: Mapping[str, Any]) -> Iterator[str]:
    head = ["overhead of a run that does nothing, ms", "p50", "p95", "min"]
    rows = [["a new judge's process until its imports are done", *_cells(costs["judge_start"])]]
    for kind, name in (("ready_judge", "ready judge"), ("new_judge", "new judge")):
        rows.append([f"{name}: the whole run", *_cells(costs[kind]["whole"])])
        rows += [[f"{name}: {_PHASE_NAMES[phase]}", *_cells(costs[kind][phase])] for phase in PHASES]
    yield from table(head, rows)


def _cells(figures: Mapping[str, Any]) -> list[str]:
    return [f"{figures[name]:.1f}" for name in ("p50_ms", "p95_ms", "min_ms")]
