"""Places metrics on a scale from 0 to 100, so that templates draw without arithmetic. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lessons.schema import Manifest, MetricSpec
from webapp.submissions.contexts import CheckView, MetricView

MARGIN = 0.08  # of the scale, left free at either end
TINY = 1e-12  # smaller differences are not drawn
PROVENANCE = {
    "observed": _("measured outside your program"),
    "recomputed": _("computed from what your program left"),
    "instrumented": _("counted inside your program"),
    "reported": _("as your program tells it"),
}
SHARES = ("share", "fraction")


def title_of(name: str) -> str:
    return name.replace("_", " ").capitalize()


def number_text(value: float) -> str:
    """Three significant digits; thousands in groups."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(digits, 8)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def scale_of(marks: Iterable[float], unit: str) -> tuple[float, float]:
    """Ends of a scale that shows all marks; it begins at 0 unless that would squeeze them together."""
    values = list(marks)
    low, high = min(values), max(values)
    if unit in SHARES and low >= 0 and 0.5 < high <= 1:
        return 0.0, 1.0
    if 0 <= low < 0.6 * high and high > TINY:
        return 0.0, high * (1 + MARGIN)
    pad = max((high - low or abs(high) or 1.0) * 2 * MARGIN, TINY)
    return low - pad, high + pad


def place(value: float | None, scale: tuple[float, float]) -> float | None:
    if value is None:
        return None
    low, high = scale
    return round(min(100.0, max(0.0, 100 * (value - low) / (high - low))), 2)


def zone_of(at: float | None, direction: str) -> tuple[float, float] | None:
    """Where the good side of a mark begins, and how wide it is."""
    if at is None:
        return None
    return (0.0, at) if direction == "lower" else (at, round(100 - at, 2))


def amount(value: float, unit: str) -> str:
    """The number alone, shares as percentages: people compare 2.1 % with 6.5 %, not 0.021 with 0.065."""
    return f"{number_text(100 * value)} %" if unit in SHARES else number_text(value)


def with_unit(value: float, unit: str) -> str:
    return amount(value, unit) if unit in SHARES else f"{amount(value, unit)} {unit}".strip()


def bound_text(value: float | None, direction: str, unit: str) -> str:
    if value is None:
        return ""
    text = gettext("at most {bound}") if direction == "lower" else gettext("at least {bound}")
    return text.format(bound=amount(value, unit))


def reaches(value: float, bound: float | None, direction: str) -> bool:
    return bound is not None and (value <= bound if direction == "lower" else value >= bound)


def metric_view(result: dict[str, Any], spec: MetricSpec | None, tier: str) -> MetricView:
    """`result` is a metric of a stored Report; `spec` is what the manifest says of it now, None if it is gone."""
    value, unit, direction = result["value"], result["unit"], result["direction"]
    distinction = {str(key): bound for key, bound in spec.distinction.items()}.get(tier) if spec else None
    interval = (result["ci95"][0], result["ci95"][1]) if result["ci95"] else None
    marks = [value, result["threshold"], distinction, *(interval or ())]
    scale = scale_of([mark for mark in marks if mark is not None], unit)
    low, high = (place(end, scale) for end in interval) if interval else (None, None)
    return MetricView(
        name=result["name"],
        title=title_of(result["name"]),
        means=spec.means if spec else "",
        unit=unit,
        direction=direction,
        value=value,
        value_text=with_unit(value, unit),
        threshold=result["threshold"],
        threshold_text=bound_text(result["threshold"], direction, unit),
        distinction=distinction,
        distinction_text=bound_text(distinction, direction, unit),
        passed=result["passed"],
        is_distinction=reaches(value, distinction, direction),
        ci95=interval,
        ci95_text=f"{amount(interval[0], unit)} – {amount(interval[1], unit)}" if interval else "",
        samples=result["samples"],
        provenance_text=str(PROVENANCE.get(result.get("provenance") or "", "")),
        value_at=place(value, scale) or 0.0,
        threshold_at=place(result["threshold"], scale),
        distinction_at=place(distinction, scale),
        ci_low_at=low,
        ci_high_at=high,
        ci_width=round(high - low, 2) if low is not None and high is not None else None,
        zone=zone_of(place(result["threshold"], scale), direction),
        best_zone=zone_of(place(distinction, scale), direction),
        low_text=amount(scale[0], unit),
        high_text=amount(scale[1], unit),
    )


def metric_views(report: dict[str, Any], manifest: Manifest | None) -> tuple[MetricView, ...]:
    specs = {spec.name: spec for spec in manifest.metric} if manifest else {}
    return tuple(metric_view(one, specs.get(one["name"]), report["tier"]) for one in report["metrics"])


def check_views(report: dict[str, Any], manifest: Manifest | None) -> tuple[CheckView, ...]:
    means = {spec.name: spec.means for spec in manifest.check} if manifest else {}
    return tuple(
        CheckView(
            name=one["name"],
            title=title_of(one["name"]),
            means=means.get(one["name"], ""),
            passed=one["passed"],
            feedback=one["feedback"],
        )
        for one in report["checks"]
    )
