"""What was measured, as JSON values: each figure has its unit in its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.bench.contenders import Missing
from sandbox.bench.memory import Weight
from sandbox.bench.stats import Summary, summarise, times
from sandbox.spec import MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Cases that were timed against each other, interleaved in random order; samples in seconds.

    `cold_starts`: boxes that were to be warm and were not, so that their times are not among the samples.
    """

    name: str
    program: str
    baseline: str
    samples: Mapping[str, Sequence[float]]
    missing: Sequence[Missing] = ()
    cold_starts: int = 0

    def summary(self, case: str) -> Summary | None:
        """None for a case that could not be had."""
        return summarise(self.samples[case]) if self.samples.get(case) else None

    def as_json(self) -> dict[str, Any]:
        baseline = self.summary(self.baseline)
        cases = [_case(name, samples, baseline) for name, samples in self.samples.items()]
        return {
            "name": self.name,
            "program": self.program,
            "baseline": self.baseline,
            "cases": cases,
            "cold_starts_not_timed": self.cold_starts,
            "missing": _missing(self.missing),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Boxes a minute, several readings of it. `warm_share`: of the boxes, those that were warm."""

    case: str
    workers: int
    per_minute: Sequence[float]
    warm_share: float | None = None

    def as_json(self) -> dict[str, Any]:
        found = summarise(self.per_minute)
        return {
            "case": self.case,
            "workers": self.workers,
            "median_boxes_per_minute": round(found.median, 1),
            "spread_boxes_per_minute": round(found.spread, 1),
            "samples_boxes_per_minute": [round(sample, 1) for sample in self.per_minute],
            "warm_share": None if self.warm_share is None else round(self.warm_share, 3),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What all processes of something hold."""

    name: str
    processes: int
    weight: Weight

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "processes": self.processes,
            "private_mib": round(self.weight.private_bytes / MIB, 1),
            "anonymous_mib": round(self.weight.anonymous_bytes / MIB, 1),
        }


@dataclass(slots=True, kw_only=True)
class Measured:
    """Everything of one run. `missing`: what could not be measured at all, and why."""

    groups: list[Group] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    def median_ms(self, group: str, case: str) -> float | None:
        found = next((one.summary(case) for one in self.groups if one.name == group), None)
        return None if found is None else found.median * 1000

    def as_json(self) -> dict[str, Any]:
        return {
            "groups": [group.as_json() for group in self.groups],
            "throughput": [rate.as_json() for rate in self.rates],
            "memory": [held.as_json() for held in self.held],
            "missing": _missing(self.missing),
        }


def _case(name: str, samples: Sequence[float], baseline: Summary | None) -> dict[str, Any]:
    found = summarise(samples)
    ratio = None if baseline is None else times(found.median, baseline.median)
    return {
        "name": name,
        "median_ms": _ms(found.median),
        "min_ms": _ms(found.minimum),
        "spread_ms": _ms(found.spread),
        "times_baseline": None if ratio is None else float(f"{ratio:.4g}"),
        "over_baseline_ms": None if baseline is None else _ms(found.median - baseline.median),
        "samples_ms": [_ms(sample) for sample in samples],
    }


def _missing(missing: Sequence[Missing]) -> list[dict[str, str]]:
    return [{"name": one.name, "why": one.why} for one in missing]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
