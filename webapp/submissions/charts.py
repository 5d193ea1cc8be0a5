"""A metric over a learner's runs, as points between 0 and 100 percent of a drawing. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lessons.schema import Manifest, MetricSpec
from webapp.submissions.contexts_history import ChartLine, ChartPoint, MetricChart
from webapp.submissions.metrics import MARGIN, SHARES, TINY, amount, bound_text, place, reaches, title_of, with_unit

SIDE = 4.0  # percent left free at the left and at the right


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A finished run and the metrics of its stored Report."""

    url: str
    created_at: datetime
    metrics: Sequence[dict[str, Any]]


def metric_charts(runs: Sequence[Measured], manifest: Manifest, tier: str) -> tuple[MetricChart, ...]:
    """One for each metric that the exercise has now and that a run has a value of; `runs` are oldest first."""
    charts = (metric_chart(runs, spec, tier) for spec in manifest.metric)
    return tuple(chart for chart in charts if chart is not None)


def metric_chart(runs: Sequence[Measured], spec: MetricSpec, tier: str) -> MetricChart | None:
    found = [(run, one) for run in runs for one in run.metrics if one["name"] == spec.name]
    if not found:
        return None
    threshold, distinction = bound_of(spec.passing, tier), bound_of(spec.distinction, tier)
    values = [one["value"] for _, one in found]
    scale = close_scale([*values, *(mark for mark in (threshold, distinction) if mark is not None)], spec.unit)
    points = points_of(found, spec, distinction, scale)
    return MetricChart(
        name=spec.name,
        title=title_of(spec.name),
        summary=summary_of(values, spec, threshold),
        threshold_at=height(threshold, scale),
        threshold_text=bound_text(threshold, spec.direction, spec.unit),
        distinction_at=height(distinction, scale),
        distinction_text=bound_text(distinction, spec.direction, spec.unit),
        zone=zone_of(height(threshold, scale), spec.direction),
        best_zone=zone_of(height(distinction, scale), spec.direction),
        high_text=amount(scale[1], spec.unit),
        low_text=amount(scale[0], spec.unit),
        points=points,
        lines=tuple(ChartLine(x1=one.x, y1=one.y, x2=two.x, y2=two.y) for one, two in pairwise(points)),
    )


def close_scale(marks: Sequence[float], unit: str) -> tuple[float, float]:
    """Ends close around what is drawn: a change matters here, not how far it is from zero."""
    low, high = min(marks), max(marks)
    pad = max((high - low or abs(high) or 1.0) * MARGIN, TINY)
    above = min(1.0, high + pad) if unit in SHARES and high <= 1 else high + pad
    return max(0.0, low - pad) if low >= 0 else low - pad, above


def bound_of(bounds: Any, tier: str) -> float | None:
    return {str(name): float(bound) for name, bound in bounds.items()}.get(tier)


def points_of(
    found: Sequence[tuple[Measured, dict[str, Any]]],
    spec: MetricSpec,
    distinction: float | None,
    scale: tuple[float, float],
) -> tuple[ChartPoint, ...]:
    step = (100 - 2 * SIDE) / max(1, len(found) - 1)
    return tuple(
        ChartPoint(
            x=round(SIDE + step * index, 2) if len(found) > 1 else 50.0,
            y=height(one["value"], scale) or 0.0,
            value_text=with_unit(one["value"], spec.unit),
            passed=one["passed"],
            passed_text=passed_text(one["passed"]),
            is_distinction=reaches(one["value"], distinction, spec.direction),
            url=run.url,
            created_at=run.created_at,
        )
        for index, (run, one) in enumerate(found)
    )


def passed_text(passed: bool | None) -> str:
    if passed is None:
        return _("not graded")
    return _("meets the pass mark") if passed else _("misses the pass mark")


def height(value: float | None, scale: tuple[float, float]) -> float | None:
    """Percent from the top."""
    at = place(value, scale)
    return None if at is None else round(100 - at, 2)


def zone_of(at: float | None, direction: str) -> tuple[float, float] | None:
    if at is None:
        return None
    return (at, round(100 - at, 2)) if direction == "lower" else (0.0, at)


def summary_of(values: Sequence[float], spec: MetricSpec, threshold: float | None) -> str:
    best = min(values) if spec.direction == "lower" else max(values)
    text = ngettext("{count} run. Last {last}, best {best}.", "{count} runs. Last {last}, best {best}.", len(values))
    text = text.format(count=len(values), last=with_unit(values[-1], spec.unit), best=with_unit(best, spec.unit))
    if threshold is None:
        return text
    return _("{text} To pass: {mark}.").format(text=text, mark=bound_text(threshold, spec.direction, spec.unit))
