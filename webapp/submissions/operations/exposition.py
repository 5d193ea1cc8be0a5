"""The figures as Prometheus families. Names and meanings are listed in docs/operations.md, which a test holds."""

from __future__ import annotations

import platform
import threading
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

import django
from django.db import DatabaseError
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from sandbox.boxd.figures import BoxdFigures
from webapp.config.health import check_redis, probe
from webapp.config.lab import lab_state
from webapp.config.paths import ROOT
from webapp.submissions.hub import HUB
from webapp.submissions.operations.figures import Figures, QueueFigures, figures
from webapp.submissions.operations.machine import Gpu, boxd_here, boxd_path, gpus_here, state_free_bytes
from webapp.submissions.operations.totals import DayTotals, Tally

FRESH_S = 5.0
TOTALS = DayTotals()


class Kept:
    """The families of one moment, for whoever asks within the next seconds. `collect` is what encoders call."""

    def __init__(self, make: Callable[[], list[Metric]], fresh_s: float = FRESH_S) -> None:
        self._make, self._fresh_s = make, fresh_s
        self._lock = threading.Lock()
        self._families: list[Metric] = []
        self._made = float("-inf")

    def collect(self) -> list[Metric]:
        with self._lock:
            if time.monotonic() - self._made >= self._fresh_s:
                self._families = self._make()
                self._made = time.monotonic()
            return self._families


def families() -> list[Metric]:
    """All that can be told now: of a database that is away, that it is away."""
    return [*always(), *from_database()]


def always() -> Iterator[Metric]:
    yield labelled(
        "rankzero_build_info",
        "Which program this is.",
        ("version", "python", "django"),
        [((version(), platform.python_version(), django.get_version()), 1.0)],
    )
    yield gauge("rankzero_redis_up", "1 where the broker and the live logs answer.", probe(check_redis) == "ok")
    yield gauge("rankzero_lab_ready", "1 where the lab of this machine is installed.", lab_state().state == "ready")
    yield gauge("rankzero_state_free_bytes", "Free on the disk of the state folder.", state_free_bytes())
    yield gauge("rankzero_log_watchers", "Live logs that pages follow through this web process.", HUB.watchers())
    if boxd_path():
        yield from boxd_families(boxd_here())
    yield from gpu_families(gpus_here())


def from_database() -> list[Metric]:
    try:
        found = [*queue_families(figures()), *total_families(TOTALS.tally())]
    except DatabaseError:
        return [gauge("rankzero_database_up", "1 where the database answers.", 0)]
    return [gauge("rankzero_database_up", "1 where the database answers.", 1), *found]


def queue_families(found: Figures) -> Iterator[Metric]:
    facts: tuple[tuple[str, str, Callable[[QueueFigures], float]], ...] = (
        ("rankzero_queue_depth", "Runs that wait.", lambda one: one.depth),
        ("rankzero_queue_oldest_wait_seconds", "Since the run that waits longest was queued.",
         lambda one: one.oldest_wait_s),
        ("rankzero_queue_slots", "Runs that the live workers can do at once.", lambda one: one.slots),
        ("rankzero_runs_running", "Runs that a worker holds.", lambda one: one.running),
        ("rankzero_leases_expired", "Runs whose worker fell silent and that were not taken back yet.",
         lambda one: one.expired),
    )  # fmt: skip
    for name, means, of in facts:
        yield by(name, means, "queue", {queue: of(one) for queue, one in found.queues.items()})
    yield from worker_families(found)


def worker_families(found: Figures) -> Iterator[Metric]:
    names = ("worker", "host")
    rows = [((one.name, one.host), one) for one in found.workers]
    yield gauge("rankzero_workers_live", "Workers seen in the last minute.", found.live_workers)
    yield labelled("rankzero_worker_up", "1 where it was seen in the last minute.", names,
                   [(key, float(one.live)) for key, one in rows])  # fmt: skip
    yield labelled("rankzero_worker_silent_seconds", "Since it was last seen.", names,
                   [(key, one.silent_s) for key, one in rows])  # fmt: skip
    yield labelled("rankzero_worker_problem", "1 where it says why it takes nothing.", names,
                   [(key, float(bool(one.problem))) for key, one in rows])  # fmt: skip
    yield labelled("rankzero_worker_gpus", "GPUs that it offers.", names, [(key, one.gpus) for key, one in rows])


def total_families(found: Tally) -> Iterator[Metric]:
    yield labelled("rankzero_runs_finished", "Runs by verdict, since midnight UTC.", ("queue", "tier", "verdict"),
                   sorted(found.verdicts.items()), CounterMetricFamily)  # fmt: skip
    yield by("rankzero_runs_retried", "Tries beyond the first, since midnight UTC.", "queue", found.retries,
             CounterMetricFamily)  # fmt: skip
    waits = HistogramMetricFamily("rankzero_run_wait_seconds", "From queued to started.", labels=("queue",))
    for queue, one in sorted(found.waits.items()):
        waits.add_metric((queue,), one.cumulative(), one.total)
    times = HistogramMetricFamily("rankzero_run_seconds", "From started to finished.", labels=("queue", "tier"))
    for pair, one in sorted(found.run_times.items()):
        times.add_metric(pair, one.cumulative(), one.total)
    yield from (waits, times)


def boxd_families(found: BoxdFigures | None) -> Iterator[Metric]:
    """`found`: None of a boxd that should answer and does not."""
    yield gauge("rankzero_boxd_up", "1 where the keeper of the boxes answers.", found is not None)
    if found is None:
        return
    yield by("rankzero_boxes", "Boxes that run now.", "backend", found.boxes)
    yield by("rankzero_boxes_ended", "Boxes by how they ended, since boxd began.", "status", found.boxes_ended,
             CounterMetricFamily)  # fmt: skip
    yield labelled("rankzero_warm_sources", "What can give a warm box now.", ("backend", "stack"), found.warm.items())
    yield labelled("rankzero_warm_refused", "1 where boxes start cold, for the reason that doctor tells.",
                   ("backend", "stack"), [(pair, 1.0) for pair in sorted(found.warm_refused)])  # fmt: skip
    yield by("rankzero_cores", "Cores that boxes run on, by whether a run owns them alone.", "state",
             {"leased": found.cores_leased, "free": found.cores - found.cores_leased})  # fmt: skip
    yield by("rankzero_gpus", "GPUs of this machine, by whether a run owns them alone.", "state",
             {"leased": found.gpus_leased, "free": found.gpus - found.gpus_leased})  # fmt: skip
    yield by("rankzero_leases", "Leases of cores and GPUs.", "state",
             {"held": found.leases_held, "waiting": found.leases_waiting})  # fmt: skip
    yield gauge("rankzero_lease_longest_wait_seconds", "Of the leases that wait.", found.longest_wait_s)


def gpu_families(found: Iterable[Gpu]) -> Iterator[Metric]:
    """None at all where there is no GPU."""
    facts: tuple[tuple[str, str, Callable[[Gpu], float | None]], ...] = (
        ("rankzero_gpu_busy_ratio", "Share of the last moments in which the GPU worked.", lambda one: one.busy),
        ("rankzero_gpu_memory_used_bytes", "GPU memory in use.", lambda one: one.used_bytes),
        ("rankzero_gpu_memory_bytes", "GPU memory in all.", lambda one: one.total_bytes),
    )
    gpus = tuple(found)
    for name, means, of in facts:
        told = [((one.uuid,), float(value)) for one in gpus if (value := of(one)) is not None]
        yield from [labelled(name, means, ("gpu",), told)] if told else ()


def gauge(name: str, means: str, value: float) -> Metric:
    return GaugeMetricFamily(name, means, value=float(value))


def labelled(
    name: str,
    means: str,
    labels: tuple[str, ...],
    samples: Iterable[tuple[tuple[str, ...], float]],
    kind: type[GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily,
) -> Metric:
    family = kind(name, means, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family


def by(
    name: str,
    means: str,
    label: str,
    values: Mapping[str, float],
    kind: type[GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily,
) -> Metric:
    return labelled(name, means, (label,), [((key,), value) for key, value in values.items()], kind)


@cache
def version() -> str:
    with (ROOT / "pyproject.toml").open("rb") as handle:
        return str(tomllib.load(handle)["project"]["version"])


METRICS = Kept(families)
