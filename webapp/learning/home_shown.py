"""The two runs that a visitor is shown: Reports that this project's own judge wrote, kept as they came.

shown/naive_peeking.json and shown/solution.json were printed on 23 November 2026 by
`python manage.py grade 09_ab_testing/peek_safely <folder> --tier cpu --json`, with the exercise's
`wrong/naive_peeking` and its `solution`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from webapp.catalog.course import exercise_find
from webapp.submissions.contexts import MetricView
from webapp.submissions.metrics import metric_view, place, scale_of

FOLDER = Path(__file__).resolve().parent / "shown"
LESSON, EXERCISE, METRIC = "09_ab_testing", "peek_safely", "false_positive_rate"
RUN_ON = date(2026, 11, 23)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRun:
    name: str
    text: str
    passed: bool
    verdict_text: str
    metric: MetricView
    value_at: float  # on the scale that both share, 0 to 100
    low_at: float
    high_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    title: str  # of the exercise
    url: str
    run_on: date
    runs: tuple[ShownRun, ...]
    threshold_at: float
    threshold_text: str
    samples: int


@cache
def report_of(name: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return report


def result_of(name: str) -> dict[str, Any]:
    return next(metric for metric in report_of(name)["metrics"] if metric["name"] == METRIC)


def shown_runs() -> Shown | None:
    """None where the site's lessons lack the exercise."""
    exercise = exercise_find(LESSON, EXERCISE)
    if exercise is None:
        return None
    results = [result_of("naive_peeking"), result_of("solution")]
    scale = scale_of([mark for result in results for mark in (result["threshold"], *result["ci95"])], "share")
    first, second = (shown_run(name, scale) for name in ("naive_peeking", "solution"))
    return Shown(
        title=exercise.manifest.title,
        url=reverse("exercise", args=[LESSON, EXERCISE]),
        run_on=RUN_ON,
        runs=(first, second),
        threshold_at=place(results[0]["threshold"], scale) or 0.0,
        threshold_text=first.metric.threshold_text,
        samples=results[0]["samples"],
    )


def shown_run(name: str, scale: tuple[float, float]) -> ShownRun:
    texts = {
        "naive_peeking": (_("The usual z-test, read at every look"), _("Not passed yet")),
        "solution": (_("A test made for being looked at"), _("Passed")),
    }
    report, result = report_of(name), result_of(name)
    low, high = result["ci95"]
    return ShownRun(
        name=name,
        text=texts[name][0],
        passed=report["verdict"] == "passed",
        verdict_text=texts[name][1],
        metric=metric_view(result, None, report["tier"]),
        value_at=place(result["value"], scale) or 0.0,
        low_at=place(low, scale) or 0.0,
        high_at=place(high, scale) or 0.0,
    )
