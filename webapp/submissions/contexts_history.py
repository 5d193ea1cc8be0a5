"""What the pages of a learner's runs over time are given: the list, the charts, and two versions beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from webapp.submissions.contexts import RunRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPoint:
    """One run. `x` and `y` are percent of the drawing, from its top left."""

    x: float
    y: float
    value_text: str
    passed: bool | None  # None: shown, not graded
    passed_text: str
    is_distinction: bool
    url: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartLine:
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChart:
    """A metric over the runs of one tier, oldest at the left. Marks and zones are those that the exercise has now."""

    name: str
    title: str
    summary: str  # what the drawing shows, in a sentence
    threshold_at: float | None
    threshold_text: str
    distinction_at: float | None
    distinction_text: str
    zone: tuple[float, float] | None  # from the top: y and height of what passes
    best_zone: tuple[float, float] | None
    high_text: str
    low_text: str
    points: tuple[ChartPoint, ...]
    lines: tuple[ChartLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A link that narrows the list, or an option of a form."""

    value: str
    text: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    row: RunRow
    changes_url: str  # what this submission changed against the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsPage:
    """submissions/runs.html, as `page`. `newer_url` and `older_url` are "" at the ends."""

    title: str
    exercise_url: str
    compare_url: str
    filters: tuple[Choice, ...]
    rows: tuple[HistoryRow, ...]
    total: int
    number: int
    pages: int
    newer_url: str
    older_url: str
    chart_tier_text: str
    charts: tuple[MetricChart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSide:
    """A line of one version: what is as in the other one, what is not, and the rest that is."""

    number: int
    before: str
    changed: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffRow:
    """`kind`: same, changed, removed, added, or gap (`hidden` equal lines are left out)."""

    kind: str
    old: LineSide | None
    new: LineSide | None
    hidden: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    name: str
    added: int
    removed: int
    rows: tuple[DiffRow, ...]  # none where both are the same
    is_coarse: bool  # too different to be compared line by line: all of the old, then all of the new
    is_cut: bool  # there are more rows than are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePage:
    """submissions/compare.html, as `page`."""

    title: str
    learner_name: str  # "" where it is the reader's own work
    exercise_url: str
    runs_url: str
    old: tuple[Choice, ...]
    new: tuple[Choice, ...]
    old_text: str
    new_text: str
    files: tuple[FileDiff, ...]
    has_changes: bool
    use_url: str  # the exercise with the new version in its editor; "" where it cannot be taken over
