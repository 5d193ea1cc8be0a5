"""The document of `bench box` as aligned tables for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def lines(document: dict[str, Any]) -> Iterator[str]:
    yield from head_lines(document)
    for group in document["groups"]:
        yield ""
        yield from _group(group)
    yield ""
    yield from _throughput(document["throughput"])
    yield ""
    yield from _memory(document["memory"])
    for missing in document["missing"]:
        yield f"not measured: {missing['name']}: {missing['why']}"
    yield ""
    yield from goal_lines(document["goals"])
    yield ""
    for name, how in document["contenders"].items():
        yield f"{name}: {how}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def head_lines(document: dict[str, Any]) -> Iterator[str]:
    """When, where and with what it was measured."""
    machine, load = document["machine"], document["load_average_1m"]
    yield f"{document['date']}  {machine['cpu']}, {machine['cores']} cores, {machine['memory_mib']} MiB"
    yield f"{machine['system']}, limits by {machine['accounting']}, uid {machine['uid']}"
    yield ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    yield f"Load average over a minute: {load['before']} before, {load['after']} after"
    if load["before"] > machine["cores"] / 2:
        yield "Other work was running: trust the ratios, which were taken interleaved, more than the milliseconds"


def _group(group: dict[str, Any]) -> Iterator[str]:
    yield f"{group['name']}: {group['program']}"
    head = ["", "median ms", "min ms", "spread ms", f"x {group['baseline']}", "over it ms", "samples"]
    yield from table(head, [_case(case) for case in group["cases"]])
    if group["cold_starts_not_timed"]:
        yield f"{group['cold_starts_not_timed']} boxes that were to be warm started cold and are not among the samples"
    for missing in group["missing"]:
        yield f"{missing['name']}: not measured: {missing['why']}"


def _case(case: dict[str, Any]) -> list[str]:
    return [
        case["name"],
        _number(case["median_ms"], 2),
        _number(case["min_ms"], 2),
        _number(case["spread_ms"], 2),
        _ratio(case["times_baseline"]),
        _number(case["over_baseline_ms"], 2),
        str(len(case["samples_ms"])),
    ]


def _throughput(rates: Sequence[dict[str, Any]]) -> Iterator[str]:
    head = ["boxes a minute", "workers", "median", "spread", "warm"]
    rows = [
        [
            rate["case"],
            str(rate["workers"]),
            _number(rate["median_boxes_per_minute"], 0),
            _number(rate["spread_boxes_per_minute"], 0),
            "" if rate["warm_share"] is None else f"{rate['warm_share']:.0%}",
        ]
        for rate in rates
    ]
    yield from table(head, rows)


def _memory(held: Sequence[dict[str, Any]]) -> Iterator[str]:
    head = ["memory", "processes", "private MiB", "anonymous MiB"]
    names = ("private_mib", "anonymous_mib")
    rows = [[one["name"], str(one["processes"]), *(_number(one[name], 1) for name in names)] for one in held]
    yield from table(head, rows)


def goal_lines(goals: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Each goal beside what was reached."""
    words = {True: "met", False: "MISSED", None: "not measured"}
    yield from table(
        ["goal", "wanted", "here", ""],
        [[goal["name"], _wanted(goal), _with_unit(goal["value"], goal["unit"]), words[goal["met"]]] for goal in goals],
    )


def _wanted(goal: dict[str, Any]) -> str:
    if goal["at_most"] is not None:
        return f"at most {_with_unit(goal['at_most'], goal['unit'])}"
    return f"at least {_with_unit(goal['at_least'], goal['unit'])}"


def _with_unit(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:,.2f}x" if unit == "times" else f"{value:.1f} {unit}"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:,.3g}"
