"""Counts of finished runs, computed from the rows, so that every web process tells the same numbers.

They begin at midnight UTC of the day: what a look costs is then bounded by a day's runs, and after the first look by
the runs of the last minute. Prometheus takes the return to zero at midnight as it takes a restart.
"""

from __future__ import annotations

import copy
import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from django.utils import timezone

from webapp.submissions.models import Run, Verdict

# A row is written up to 20 s after the moment that it names (a writer may wait that long for SQLite), so only rows
# that are older than this are counted for good; younger ones are read again at the next look.
SETTLED = timedelta(seconds=60)
WAITS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
RUN_TIMES = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0)
_COLUMNS = ("queue", "tier", "verdict", "tries", "queued_at", "started_at", "finished_at")


@dataclass(slots=True)
class Histogram:
    """Seconds in buckets; the last count is of what is above every bound."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """As Prometheus wants them: (upper bound, how many are at most that)."""
        found, seen = [], 0
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts, strict=True):
            seen += count
            found.append((bound, float(seen)))
        return found


@dataclass(slots=True)
class Tally:
    verdicts: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (queue, tier, verdict)
    retries: Counter[str] = field(default_factory=Counter)  # queue → tries beyond the first
    waits: defaultdict[str, Histogram] = field(default_factory=lambda: defaultdict(partial(Histogram, WAITS)))
    run_times: defaultdict[tuple[str, str], Histogram] = field(
        default_factory=lambda: defaultdict(partial(Histogram, RUN_TIMES))
    )

    def add(
        self, queue: str, tier: str, verdict: str, tries: int, queued: datetime, started: datetime | None, end: datetime
    ) -> None:
        """A run that was cancelled while it waited has neither; a clock that was set back makes no time negative."""
        self.verdicts[queue, tier, verdict] += 1
        self.retries[queue] += max(0, tries - 1)
        if started is not None:
            self.waits[queue].add(max(0.0, (started - queued).total_seconds()))
            self.run_times[queue, tier].add(max(0.0, (end - started).total_seconds()))


class DayTotals:
    """Remembers what is settled, so that a look reads only what came since. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._day: datetime | None = None
        self._upto = datetime.min.replace(tzinfo=UTC)
        self._settled = Tally()

    def tally(self, now: datetime | None = None) -> Tally:
        """Every run that finished since midnight, once each."""
        now = now or timezone.now()
        with self._lock:
            self._begin(now)
            found, settled = copy.deepcopy(self._settled), max(self._upto, now - SETTLED)
            for row in finished_since(self._upto):
                found.add(*row)
                if row[-1] <= settled:
                    self._settled.add(*row)
            self._upto = settled
            return found

    def _begin(self, now: datetime) -> None:
        """A new day, or a clock that was set back: count anew."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if midnight != self._day or now < self._upto:
            self._day, self._upto = midnight, midnight - timedelta(microseconds=1)
            self._settled = Tally()


def finished_since(moment: datetime) -> Iterable[tuple[str, str, str, int, datetime, datetime | None, datetime]]:
    """Naming every verdict lets the database use the index over (verdict, finished_at)."""
    rows = Run.objects.filter(verdict__in=Verdict.values, finished_at__gt=moment).order_by()
    return rows.values_list(*_COLUMNS).iterator(chunk_size=5_000)
