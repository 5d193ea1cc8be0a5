"""What the running workers offer. A worker's main process writes one row, and writes it again every 15 seconds."""

from __future__ import annotations

import functools
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from grader.cells import CELL_MEMORY_MB
from sandbox import doctor
from sandbox.leases import list_gpus
from webapp.catalog.course import course
from webapp.submissions.models import Run, Submission, Tier, Worker

LIVE = timedelta(seconds=60)  # a worker that was not seen for so long is not counted on
KEPT = timedelta(days=1)
LENT_CORES = 2  # a serving run wants two; a machine of one core lends it that one twice: see grader/cores.py
NONE_UP = gettext_noop("No worker is up for this at the moment; your run waits, and starts when one is back.")
NONE_FITS = gettext_noop("No worker that is up now has what this run needs ({needs}); it waits for one that has.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one machine has. `gpus`: {"id", "name", "memory_mb"} each."""

    cores: int
    memory_mb: int
    gpus: tuple[dict[str, Any], ...] = ()

    @property
    def vram_mb(self) -> int:
        return max((gpu["memory_mb"] for gpu in self.gpus), default=0)

    def fitting(self) -> Q:
        """Which runs this machine has room for."""
        room = Q(cores__lte=max(self.cores, LENT_CORES), memory_mb__lte=self.memory_mb, vram_mb__lte=self.vram_mb)
        return room if self.gpus else room & ~Q(tier=Tier.GPU)

    def fits(self, run: Run) -> bool:
        """`fitting` for one row in hand."""
        has_room = run.cores <= max(self.cores, LENT_CORES) and run.memory_mb <= self.memory_mb
        return has_room and run.vram_mb <= self.vram_mb and (bool(self.gpus) or run.tier != Tier.GPU)


def run_needs(tier: str, submission: Submission | None) -> dict[str, int]:
    """What a run asks of a machine, by its exercise's manifest: the fields of Run that `Offer.fitting` compares."""
    mirror = submission.exercise if submission else None
    content = course().exercise(mirror.lesson, mirror.slug) if mirror else None
    manifest = content.manifest if content else None
    limits = next((manifest.limits_for(name) for name in manifest.tiers if name == tier), None) if manifest else None
    if manifest is None or limits is None:  # a cell, or an exercise that is gone: its run will say so
        return {"cores": 1, "memory_mb": CELL_MEMORY_MB if submission is None else 0, "vram_mb": 0}
    serves = manifest.timed and manifest.protocol == "serve" and tier != Tier.SMOKE
    return {"cores": LENT_CORES if serves else 1, "memory_mb": limits.memory_mb, "vram_mb": limits.vram_mb or 0}


@functools.cache
def machine_offer() -> Offer:
    """Of this machine, looked at once: hardware that changes needs a worker that starts anew."""
    machine = doctor.machine()
    gpus = tuple(
        {"id": gpu["index"], "name": gpu["name"], "memory_mb": int(re.sub(r"\D", "", gpu["memory"]) or 0)}
        for gpu in list_gpus()
    )
    return Offer(cores=machine["cores"], memory_mb=machine["memory_mib"], gpus=gpus)


def worker_advertise(*, name: str, queues: Iterable[str], concurrency: int, problem: str, started_at: datetime) -> None:
    """Say what this worker does now: one write. `problem`: why it serves none of these queues at the moment, or ""."""
    offer = machine_offer()
    row = Worker(
        name=name,
        host=socket.gethostname()[:120],
        queues=sorted(queues),
        concurrency=concurrency,
        cores=offer.cores,
        memory_mb=offer.memory_mb,
        gpus=list(offer.gpus),
        problem=problem[:2000],
        started_at=started_at,
        seen_at=timezone.now(),
    )
    changing = ["queues", "concurrency", "cores", "memory_mb", "gpus", "problem", "started_at", "seen_at"]
    Worker.objects.bulk_create([row], update_conflicts=True, unique_fields=["name"], update_fields=changing)


def worker_withdraw(*, name: str) -> None:
    Worker.objects.filter(name=name).delete()


def workers_forget() -> int:
    """Delete the rows of workers that died more than a day ago."""
    return Worker.objects.filter(seen_at__lt=timezone.now() - KEPT).delete()[0]


def live_workers() -> list[Worker]:
    """Seen in the last minute. A row from the future is from before a clock was set back: it says nothing of now."""
    now = timezone.now()
    return list(Worker.objects.filter(seen_at__gt=now - LIVE, seen_at__lt=now + LIVE))


def serving(queue: str, workers: Iterable[Worker]) -> list[Worker]:
    return [worker for worker in workers if queue in worker.queues and not worker.problem]


def live_slots(queue: str) -> int:
    """How many runs of the queue the live workers can do at once."""
    return sum(worker.concurrency for worker in serving(queue, live_workers()))


def obstacle(run: Run, workers: Iterable[Worker]) -> str:
    """Why none of these workers will start this waiting run, for the learner; "" when one of them will."""
    workers = list(workers)
    able = serving(run.queue, workers)
    if able and not any(offer_of(worker).fits(run) for worker in able):
        return _(NONE_FITS).format(needs=needs_text(run))
    return queue_problem(run.queue, workers)


def queue_problem(queue: str, workers: Iterable[Worker]) -> str:
    """Why no live worker serves a queue, for the learner; "" when one does."""
    workers = list(workers)
    if serving(queue, workers):
        return ""
    return next((worker.problem for worker in workers if queue in worker.queues), _(NONE_UP))


def offer_of(worker: Worker) -> Offer:
    return Offer(cores=worker.cores, memory_mb=worker.memory_mb, gpus=tuple(worker.gpus))


def needs_text(run: Run) -> str:
    gpu = _("a GPU") if run.tier == Tier.GPU else ""
    if run.vram_mb:
        gpu = _("a GPU with {count} MiB").format(count=run.vram_mb)
    cores = ngettext("{count} core", "{count} cores", run.cores).format(count=run.cores)
    memory = _("{count} MiB of memory").format(count=run.memory_mb)
    return ", ".join(part for part in (gpu, cores, memory) if part)
