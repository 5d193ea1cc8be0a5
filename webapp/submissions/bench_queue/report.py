"""The document of `bench queue` as aligned tables for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.bench.report import goal_lines, head_lines, table

_PHASES = {
    "accepted_s": "click until the site has it",
    "started_s": "click until it starts",
    "verdict_s": "click until the verdict",
    "shown_s": "click until the numbers are there",
}


def lines(document: dict[str, Any]) -> Iterator[str]:
    yield from head_lines(document)
    yield ""
    yield from _clicks(document["clicks"])
    yield ""
    yield from _rates(document["saturation"])
    yield ""
    yield from _claims(document["claims"])
    yield ""
    yield from goal_lines(document["goals"])


def _clicks(clicks: Mapping[str, Any]) -> Iterator[str]:
    head = [f"a program that does nothing, {clicks['rounds']} rounds, ms", "p50", "p95", "max"]
    rows = [[f"floor: {name}", *_cells(found)] for name, found in clicks["floor"].items()]
    rows += [[_PHASES[phase], *_cells(found)] for phase, found in clicks["click"].items()]
    yield from table(head, rows)


def _rates(rates: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{rates['learners']} learners at once, {rates['runs']} runs: {rates['runs_per_minute']:.0f} runs a minute; "
        f"click to verdict {rates['verdict']['p50_ms']:.0f} ms at the median, {rates['verdict']['p95_ms']:.0f} at p95"
    )


def _claims(claims: Mapping[str, Any]) -> Iterator[str]:
    head = ["a claim, ms", "p50", "p95", "max"]
    yield from table(
        head, [[f"of {claims[name]['waiting']} waiting", *_cells(claims[name])] for name in ("long", "short")]
    )
    yield f"putting one into the queue: {claims['enqueue_ms']:.2f} ms"


def _cells(figures: Mapping[str, Any]) -> list[str]:
    return [f"{figures[name]:.1f}" for name in ("p50_ms", "p95_ms", "max_ms")]
